# shellcheck shell=bash disable=SC2034,SC2154  # who sources it uses and sets the variables
# What the recipes of the virtual Pi and of the machine with radios share. Source it with $mirror set, fill
# packages, options and hooks, and call debian.

# Written on a throw-away disk: no fsync, and no pages that nobody reads here.
options=(
  --dpkgopt='force-unsafe-io'
  --dpkgopt='path-exclude=/usr/share/man/*'
  --dpkgopt='path-exclude=/usr/share/locale/*'
  --aptopt='APT::Install-Recommends "false"'
)
hooks=()
# A network that opens TLS has its own authorities; the machine must trust them as this one does.
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
  # shellcheck disable=SC2016  # mmdebstrap's shell, not this one, fills in $1, the root directory
  hooks=(
    --customize-hook='copy-in /usr/local/share/ca-certificates /usr/local/share'
    --customize-hook='chroot "$1" update-ca-certificates'
  )
fi

join() { local IFS=,; echo "$*"; }

# usage: debian FORMAT TARGET
debian() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  mmdebstrap --quiet --mode=root --variant=minbase --format="$1" \
    --include="$(join "${packages[@]}")" "${options[@]}" "${hooks[@]}" trixie "$2" \
    "deb [signed-by=$keyring] $mirror trixie main" \
    "deb [signed-by=$keyring] $mirror trixie-updates main" \
    "deb [signed-by=$keyring] $mirror-security trixie-security main"
}
