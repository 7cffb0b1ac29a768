"""The one place where a client of Redis is made, for each kind of address that REDIS_URL may be.

    redis://[user:password@]host:port/number           a server; rediss:// with TLS, unix:///path a socket
    redis+sentinel://[user:password@]host:port,host:port/name[/number]     the sentinels that know a server of that name
    redis+cluster://[user:password@]host:port,host:port                    some nodes of a cluster

`rediss+sentinel` and `rediss+cluster` are the last two with TLS.
"""

import os
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, TimeoutError

from core.errors import SettingError

CALL_S = 5.0
_MOST_CONNECTIONS = 1000
"""To one node, where the client has no pool that waits for a free connection."""
Node = dict[str, Any]
"""What is given to a command beside its arguments so that one node does it."""
_PORTS = {"cluster": 6379, "sentinel": 26379}


@dataclass(frozen=True, slots=True)
class Address:
    """REDIS_URL taken apart, where it names several hosts; `path` are the words behind them."""

    tls: bool
    kind: str
    hosts: tuple[tuple[str, int], ...]
    path: tuple[str, ...]
    user: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> "Address | None":
        """None for the address of one server; SettingError for one that is not well formed."""
        scheme, plus, kind = urlsplit(url).scheme.partition("+")
        if not plus:
            return None
        if scheme not in ("redis", "rediss") or kind not in _PORTS:
            raise _wrong(url)
        login, _, hosts = urlsplit(url).netloc.rpartition("@")
        user, _, password = login.partition(":")
        path = tuple(filter(None, urlsplit(url).path.split("/")))
        if len(path) not in ((1, 2) if kind == "sentinel" else (0,)) or not all(each.isdecimal() for each in path[1:]):
            raise _wrong(url)
        named = tuple(_host(url, each, _PORTS[kind]) for each in hosts.split(","))
        return cls(scheme == "rediss", kind, named, path, unquote(user) or None, unquote(password) or None)


def client_of(url: str) -> Redis:
    """A client that tries again for a moment when its server is away; SettingError for no address of Redis."""
    address = Address.of(url)
    if address is None:
        # A pool that waits for a free connection: the usual one refuses the hundred-and-first of a burst.
        return Redis.from_pool(BlockingConnectionPool.from_url(url, timeout=CALL_S, **_options()))
    more: dict[str, Any] = {**_options(), "username": address.user, "password": address.password}
    more |= {"ssl": True} if address.tls else {}
    if address.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        # It is told apart from a server only where one command cannot serve all nodes: see `nodes`.
        return cast(Redis, RedisCluster(startup_nodes=nodes, max_connections=_MOST_CONNECTIONS, **more))
    name, *number = address.path
    sentinel = Sentinel(address.hosts, sentinel_kwargs=_options(), **more)
    return sentinel.master_for(name, db=int(number[0]) if number else 0, max_connections=_MOST_CONNECTIONS)


def is_cluster(redis: Redis) -> bool:
    """Whether keys lie on several nodes, so that one transaction has those of one slot only."""
    return isinstance(redis, RedisCluster)


def nodes(redis: Redis) -> list[Node]:
    """Each node that takes writes."""
    if not isinstance(redis, RedisCluster):
        return [{}]
    return [{"target_nodes": node} for node in redis.get_primaries()]


def _options() -> Any:
    return {
        "client_name": f"parley-{os.getpid()}",
        "socket_timeout": CALL_S,
        "socket_connect_timeout": CALL_S,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.02), 3),
        "retry_on_error": [ConnectionError, TimeoutError],
    }


def _host(url: str, text: str, usual: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(url) from error
    if not host:
        raise _wrong(url)
    return host, port or usual


def _wrong(url: str) -> SettingError:
    wants = "redis://host:port, redis+sentinel://host:port,host:port/name or redis+cluster://host:port,host:port"
    return SettingError("REDIS_URL", without_password(url), wants)


def without_password(url: str) -> str:
    """An address as it may be shown."""
    login, at, rest = url.rpartition("@")
    return f"{login.partition('//')[0]}//***@{rest}" if at else url
