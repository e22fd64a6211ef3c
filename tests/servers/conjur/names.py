"""The names of roles and resources: full ids, and the logins of users and hosts."""


def full_id(account: str, kind: str, identifier: str) -> str:
    """Join the three parts of an id, as in `demo:variable:db/password`."""
    return f"{account}:{kind}:{identifier}"


def kind_of(full: str) -> str:
    """Return the second part of a full id."""
    return full.split(":", 2)[1]


def identifier_of(full: str) -> str:
    """Return the third part of a full id."""
    return full.split(":", 2)[2]


def role_of(account: str, login: str) -> str:
    """Return the role that logs in as *login*: `alice`, or `host/app/web` for what is no user."""
    kind, slash, identifier = login.partition("/")
    return full_id(account, kind, identifier) if slash else full_id(account, "user", login)


def login_of(role: str) -> str:
    """Return the login of a role, the reverse of `role_of`."""
    kind, identifier = kind_of(role), identifier_of(role)
    return identifier if kind == "user" else f"{kind}/{identifier}"
