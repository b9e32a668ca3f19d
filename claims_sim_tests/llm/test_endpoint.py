import pytest

from claims_sim.errors import AuthorError
from claims_sim.llm.endpoint import configured_endpoint


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"])
def test_a_server_on_this_machine_needs_no_permission(host):
    endpoint = configured_endpoint(f"http://{host}:8080/v1/", "m", allow_remote=False)
    assert endpoint.is_local
    assert not endpoint.is_ours
    assert not endpoint.base_url.endswith("/")


@pytest.mark.parametrize("host", ["api.example.org", "10.0.0.1", "127.0.0.1.example.org", "localhost.example.org"])
def test_a_server_elsewhere_needs_permission(host):
    with pytest.raises(AuthorError, match="CLAIMS_SIM_LLM_ALLOW_REMOTE"):
        configured_endpoint(f"https://{host}/v1", "m", allow_remote=False)
    assert not configured_endpoint(f"https://{host}/v1", "m", allow_remote=True).is_local


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://127.0.0.1:x/", "http://[::1"])
def test_a_malformed_address_is_one_clear_line(url):
    with pytest.raises(AuthorError, match="is no address such as"):
        configured_endpoint(url, "", allow_remote=True)


def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(AuthorError) as caught:
        configured_endpoint("http://me:hunter2@127.0.0.1/v1", "", allow_remote=True)
    assert "hunter2" not in str(caught.value)
