"""The little web server that the pages of people share: what is safe, said once.

A page gives its routes and its folder of templates, scripts and styles:

    access = Access.at(host, names)        # who may ask; the secret is made, or the environment's
    app = make_app(routes, folder, access)
    serve(app, access, host, port, say)    # prints the address to open, and runs until stopped

* ``render(request, "page.html.j2", **values)``: a template of the folder, escaped; inside it
  ``post_token`` belongs in ``<meta name="post-token" content="{{ post_token }}">``.
* A POST carries JSON, the page's own Origin and that token in ``X-Token``; ``await body(request)``
  is its mapping, or a UserError.
* ``/static/NAME``: our ``base.css``, which every page starts from, and the folder's ``*.js`` and
  ``*.css``, read at the start. No inline script or style runs, and no other address is asked.
* ``Pictures(folder)``: an image set; ``picture_route("images", pictures)`` serves
  ``/images/ID.png``; ``png_response(pictures.png(id))`` where a page names its pictures otherwise.
* ``Journal(path)``: the append-only file, one synced line a verdict, one server at a time.
* ``raise Missing("generation 7 is not here")`` is a 404, a UserError a 400, both as one line.

Endpoints are ``async`` functions that never wait in the middle of a change: one thread, one order.
"""

from __future__ import annotations

from artifact_units.serving.guard import Access
from artifact_units.serving.journal import Journal
from artifact_units.serving.pictures import Pictures, picture_route, png_response
from artifact_units.serving.site import Missing, body, make_app, render, serve

__all__ = [
    "Access",
    "Journal",
    "Missing",
    "Pictures",
    "body",
    "make_app",
    "picture_route",
    "png_response",
    "render",
    "serve",
]
