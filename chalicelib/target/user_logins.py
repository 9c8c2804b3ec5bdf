"""The logins of the plan's two users, as their secret has them."""

from chalicelib.aws import secrets
from chalicelib.database.endpoint import Login
from chalicelib.flow.plan import Plan
from chalicelib.ports import Ports


def user_logins(plan: Plan, ports: Ports) -> tuple[Login, Login]:
    """Read the logins of the application and of the read-only user; raises RefusedError."""
    found = secrets.app_credentials(ports.service("secretsmanager"), plan)
    application = Login(found.app_username, found.app_password)
    return application, Login(found.readonly_username, found.readonly_password)
