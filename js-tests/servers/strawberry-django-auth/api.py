"""A GraphQL API with strawberry-django-auth.

Arguments: port, folder of the data, lifetime of tokens in seconds.
"""

import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import django_server
from gqlauth.settings_type import GqlAuthSettings

port, folder, lifetime = sys.argv[1:]
django_server.configure(
    folder,
    apps=["django.contrib.admin", "strawberry_django", "gqlauth"],
    middleware=["gqlauth.core.middlewares.django_jwt_middleware"],
    GQL_AUTH=GqlAuthSettings(
        ALLOW_LOGIN_NOT_VERIFIED=True,
        LOGIN_REQUIRE_CAPTCHA=False,
        REGISTER_REQUIRE_CAPTCHA=False,
        JWT_EXPIRATION_DELTA=timedelta(seconds=float(lifetime)),
    ),
)

import strawberry
from django.conf import settings
from gqlauth.core.middlewares import JwtSchema
from gqlauth.user import arg_mutations
from strawberry.django.views import GraphQLView
from strawberry_django.permissions import IsAuthenticated


@strawberry.type
class Query:
    @strawberry.field(extensions=[IsAuthenticated()])
    def me(self, info: strawberry.Info) -> str:
        return info.context.request.user.get_username()


@strawberry.type
class Mutation:
    token_auth = arg_mutations.ObtainJSONWebToken.field
    refresh_token = arg_mutations.RefreshToken.field
    revoke_token = arg_mutations.RevokeToken.field


def replace_key(key):
    settings.SECRET_KEY = key


schema = JwtSchema(query=Query, mutation=Mutation)
django_server.serve(port, GraphQLView.as_view(schema=schema), replace_key)
