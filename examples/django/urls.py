"""One page, which counts in the session: it is kept in the database, and signed with SECRET_KEY."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def visits(request: HttpRequest) -> HttpResponse:
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(f"visit {request.session['visits']}")


urlpatterns = [path("", visits)]
