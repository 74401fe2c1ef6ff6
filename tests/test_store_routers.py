"""Own routers in the store: one in force a person, names that never clash, nobody sees another's."""

import pytest

from routing.errors import StoreError
from routing.store import open_store

ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture
def routers(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store.routers
    store.close()


def add(routers, owner, name, folder):
    routers.add(owner, name=name, folder=folder, graph_sha256="0" * 64, measures={"own": {}})


def test_one_router_is_in_force_and_the_shipped_one_can_come_back(routers):
    add(routers, ANN, "First", "a" * 16)
    add(routers, ANN, "Second", "b" * 16)
    second, first = routers.all(ANN)
    assert (second.name, first.measures) == ("Second", {"own": {}})
    assert routers.active(ANN) is None
    routers.activate(ANN, first.id)
    routers.activate(ANN, second.id)
    assert [one.is_active for one in routers.all(ANN)] == [True, False]
    routers.activate(ANN, None)
    assert routers.active(ANN) is None


def test_a_folder_is_kept_once_and_a_name_taken_gets_a_number(routers):
    for folder in ("a" * 16, "a" * 16, "b" * 16):
        add(routers, ANN, "Ours", folder)
    assert [one.name for one in routers.all(ANN)] == ["Ours (2)", "Ours"]
    assert routers.remove(ANN, routers.all(ANN)[0].id) == "b" * 16
    assert [one.folder for one in routers.all(ANN)] == ["a" * 16]


def test_nobody_reaches_another_persons_router(routers):
    add(routers, ANN, "Ours", "a" * 16)
    hers = routers.all(ANN)[0]
    assert routers.all(BOB) == ()
    for act in (routers.activate, routers.remove):
        with pytest.raises(StoreError, match="This router is gone"):
            act(BOB, hers.id)
    assert routers.all(ANN) == (hers,)
