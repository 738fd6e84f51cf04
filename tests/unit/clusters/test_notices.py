"""What a machine hears of its own end, from a service that answers and refuses as the clouds' own do."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from panda_ray.clusters.notices import AwsNotices, GcpNotices, find_notices, wait_for_notice
from support.servers.metadata_server import ACTION, PREEMPTED, TOKEN, Cloud, MetadataServer, metadata_server

SOON = 1_800_000_000.0


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[MetadataServer]:
    yield from serving("aws", monkeypatch)


@pytest.fixture
def gcp(monkeypatch: pytest.MonkeyPatch) -> Iterator[MetadataServer]:
    yield from serving("gcp", monkeypatch)


def serving(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetadataServer]:
    with metadata_server(cloud) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        yield server


def test_a_machine_knows_its_cloud(aws: MetadataServer) -> None:
    assert isinstance(find_notices(), AwsNotices)
    assert aws.asked == [TOKEN]


def test_googles_too(gcp: MetadataServer) -> None:
    assert isinstance(find_notices(), GcpNotices)
    assert gcp.asked == [PREEMPTED]


def test_a_machine_of_no_cloud_hears_nothing(aws: MetadataServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in aws.environment:
        monkeypatch.setenv(name, {"GCE_METADATA_HOST": "127.0.0.1:9"}.get(name, "http://127.0.0.1:9"))
    assert find_notices() is None
    assert aws.asked == []


def test_aws_names_the_time(aws: MetadataServer) -> None:
    notices = AwsNotices()
    assert notices.deadline() is None
    aws.give_notice(SOON)
    assert notices.deadline() == SOON


def test_a_token_that_ran_out_is_renewed(aws: MetadataServer) -> None:
    notices = AwsNotices()
    aws.token = "token-2"
    assert notices.deadline() is None
    assert aws.asked == [TOKEN, ACTION, TOKEN, ACTION]


@pytest.mark.parametrize("body", ["{", "{}", "[]", '{"time": "soon"}'])
def test_a_notice_without_a_time_is_one_of_two_minutes(aws: MetadataServer, body: str) -> None:
    aws.body = body
    deadline = AwsNotices().deadline()
    assert deadline is not None
    assert 100 < deadline - time.time() <= 120


def test_google_gives_half_a_minute(gcp: MetadataServer) -> None:
    notices = GcpNotices()
    assert notices.deadline() is None
    gcp.preempted = True
    deadline = notices.deadline()
    assert deadline is not None
    assert 20 < deadline - time.time() <= 30


def test_a_server_that_does_not_say_so_is_not_googles(gcp: MetadataServer) -> None:
    gcp.flavor = "plain"
    with pytest.raises(requests.RequestException):
        GcpNotices()


def test_a_service_that_fails_for_a_while_is_asked_again(aws: MetadataServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AwsNotices, "seconds_between_looks", 0.01)
    notices = AwsNotices()
    aws.give_notice(SOON)
    aws.is_sick = True

    def is_over() -> bool:
        aws.is_sick = aws.asked.count(ACTION) < 2
        return False

    assert wait_for_notice(notices, is_over) == SOON
    assert aws.asked.count(ACTION) == 3


def test_nobody_waits_when_the_node_has_ended(gcp: MetadataServer) -> None:
    assert wait_for_notice(GcpNotices(), lambda: True) is None
    assert gcp.asked == [PREEMPTED]
