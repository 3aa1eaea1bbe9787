"""Parts of the servers on Django: settings, a user, the replacement of the signing key, and the HTTP server.

A program calls `configure`, defines its schema, and calls `serve`.
"""

import os
import sqlite3
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

USERNAME = "reader"
PASSWORD = "correct-horse-battery"


def configure(folder, apps=(), middleware=(), backends=(), **more):
    """Configures Django with a database and a signing key in `folder`."""
    key = Path(folder, "key")
    if not key.exists():
        key.write_text(os.urandom(32).hex())
    settings.configure(
        SECRET_KEY=key.read_text(),
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        # The default takes a second on a busy machine.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        # Three seconds, so that a locked database is reported within the timeout of a grant.
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{folder}/data.db",
                "OPTIONS": {"timeout": 3},
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            *apps,
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            *middleware,
        ],
        AUTHENTICATION_BACKENDS=[*backends, "django.contrib.auth.backends.ModelBackend"],
        **more,
    )
    django.setup()


urlpatterns = []


def serve(port, view, replace_key):
    """Serves `view` at /graphql.

    A request to /tests/key calls `replace_key` with a new signing key. One to /tests/lock locks the database, and one to
    /tests/unlock ends that.
    """
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.views.decorators.csrf import csrf_exempt

    call_command("migrate", verbosity=0, skip_checks=True)
    users = get_user_model().objects
    if not users.filter(username=USERNAME).exists():
        users.create_user(USERNAME, password=PASSWORD)

    @csrf_exempt
    def key(request):
        replace_key(os.urandom(32).hex())
        return HttpResponse(status=204)

    database = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None, check_same_thread=False)

    def execute(statement):
        @csrf_exempt
        def respond(request):
            database.execute(statement)
            return HttpResponse(status=204)

        return respond

    urlpatterns.extend(
        [
            path("graphql", csrf_exempt(view)),
            path("tests/key", key),
            path("tests/lock", execute("BEGIN EXCLUSIVE")),
            path("tests/unlock", execute("ROLLBACK")),
        ]
    )
    with make_server("127.0.0.1", int(port), get_wsgi_application(), Server, Handler) as server:
        server.serve_forever()


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 512


class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass
