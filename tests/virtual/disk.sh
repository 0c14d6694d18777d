# shellcheck shell=bash disable=SC2034,SC2154  # who sources it uses and sets the variables
# How a Debian with a kernel of its own becomes what QEMU starts. Source it after debian.sh.

options+=(--dpkgopt='path-exclude=/usr/share/doc/*')
# No more in the first root disk than a virtual machine needs: it is read at every start.
# shellcheck disable=SC2016  # mmdebstrap's shell, not this one, fills in $1, the root directory
hooks+=(
  --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list >"$1/etc/initramfs-tools/conf.d/small"'
  --essential-hook='printf "virtio_pci\nvirtio_blk\next4\n" >"$1/etc/initramfs-tools/modules"'
)

# usage: disk SIZE DIRECTORY   leaves vmlinuz, initrd and disk.qcow2 in DIRECTORY
disk() {
  local size=$1 directory=$2 root=$2/root
  mkdir -p "$directory"
  rm -rf "$root" "$directory/disk.raw"
  debian directory "$root"
  cp "$root"/boot/vmlinuz-* "$directory/vmlinuz"
  cp "$root"/boot/initrd.img-* "$directory/initrd"
  truncate --size "$size" "$directory/disk.raw"
  mke2fs -q -t ext4 -d "$root" -L root "$directory/disk.raw"
  qemu-img convert -O qcow2 "$directory/disk.raw" "$directory/disk.qcow2"
  rm -rf "$root" "$directory/disk.raw"
}
