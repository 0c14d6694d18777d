"""A form that a page of ours sent: its texts, whatever a stranger put in their place."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

FORM = "application/x-www-form-urlencoded"


async def fields(request: web.Request) -> Mapping[str, str]:
    """Return the form's fields. Raises web.HTTPException for what is no form, or can't be read."""
    if request.content_type != FORM:
        raise web.HTTPUnsupportedMediaType(text="This takes its page's form only.")
    try:
        posted = await request.post()
    except (LookupError, ValueError) as error:  # a charset that there is not, bytes that are none
        raise web.HTTPBadRequest(text="The form can't be read.") from error
    return {name: value for name, value in posted.items() if isinstance(value, str)}
