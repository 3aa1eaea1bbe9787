"""A GraphQL API with django-graphql-jwt.

Arguments: port, folder of the data, lifetime of tokens in seconds, and what they are renewed with: "token" or
"refreshToken".
"""

import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import django_server

port, folder, lifetime, renewal = sys.argv[1:]
django_server.configure(
    folder,
    apps=["graphene_django", "graphql_jwt.refresh_token.apps.RefreshTokenConfig"],
    backends=["graphql_jwt.backends.JSONWebTokenBackend"],
    GRAPHENE={"MIDDLEWARE": ["graphql_jwt.middleware.JSONWebTokenMiddleware"]},
    GRAPHQL_JWT={
        # The default accepts tokens that have expired.
        "JWT_VERIFY_EXPIRATION": True,
        "JWT_EXPIRATION_DELTA": timedelta(seconds=float(lifetime)),
        "JWT_REFRESH_EXPIRATION_DELTA": timedelta(days=1),
        "JWT_LONG_RUNNING_REFRESH_TOKEN": renewal == "refreshToken",
    },
)

import graphene
import graphql_jwt
from graphene_django.views import GraphQLView
from graphql_jwt.decorators import login_required
from graphql_jwt.settings import jwt_settings


class Query(graphene.ObjectType):
    me = graphene.String()

    @login_required
    def resolve_me(self, info):
        return info.context.user.get_username()


class Mutation(graphene.ObjectType):
    token_auth = graphql_jwt.ObtainJSONWebToken.Field()
    refresh_token = graphql_jwt.Refresh.Field()
    if renewal == "refreshToken":
        revoke_token = graphql_jwt.Revoke.Field()


def replace_key(key):
    jwt_settings.JWT_SECRET_KEY = key


schema = graphene.Schema(query=Query, mutation=Mutation)
django_server.serve(port, GraphQLView.as_view(schema=schema), replace_key)
