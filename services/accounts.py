"""The owner: made at the first start."""

from domain.ids import make_id
from domain.principal import Principal, User
from services.ports.clock import Clock
from services.ports.store import Changeset, Store


async def owner(store: Store, clock: Clock, name: str = "Owner") -> Principal:
    """The installation's owner; with a new workspace when there is none yet."""
    user = await store.owner()
    if user is None:
        now = clock.now()
        workspace = make_id("workspace", now, clock.entropy())
        user = User(id=make_id("user", now, clock.entropy()), workspace_id=workspace, name=name, created_at=now)
        await store.commit(Changeset(workspace_id=workspace, puts=[user]))
    return Principal(id=user.id, workspace_id=user.workspace_id, kind="person")
