"""The table of servers: its rows, whom a URL belongs to, and its page."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langchain_streamkit import providers
from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers import (
    Evidence,
    Provider,
    get_provider,
    provider_for_url,
    provider_names,
    register_provider,
)
from langchain_streamkit.providers._hosts import owns, parse_origin
from langchain_streamkit.providers._markdown import (
    BEGIN,
    END,
    insert_table,
    render_table,
    request_facts,
)
from langchain_streamkit.providers._rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "providers.md"
CORPUS = ROOT.parent / "shared" / "wire"
FIELDS = {field.name for field in dataclasses.fields(Provider)}
# Twice the same key for one account; anything else shared would be a slip.
SHARED_VARIABLES = {
    "AZURE_AI_API_KEY": {"azure_foundry", "azure_serverless"},
    "AZURE_INFERENCE_CREDENTIAL": {"azure_foundry", "azure_serverless"},
}

# Servers that people ask for by name.
EXPECTED = """
    openai azure azure_foundry anthropic gemini groq ollama vllm sglang llamacpp
    lmstudio tgi nim nvidia openrouter deepseek mistral together fireworks
    cerebras xai perplexity moonshot dashscope zai bigmodel minimax maritaca
    cohere huggingface github_models litellm sambanova nebius novita hyperbolic
    venice databricks snowflake vercel deepinfra siliconflow baseten cloudflare
    bedrock vertex inception stepfun volcengine ai21 writer_ai upstage friendli
    scaleway ovhcloud
"""

rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the wire corpus lies beside the project, not in it"
)


@pytest.fixture(autouse=True, scope="module")
def table_as_it_is_shipped() -> Iterator[None]:
    """The table without what examples of other modules have registered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(providers, "_table", {row.name: row for row in ROWS})
        yield


@pytest.fixture
def own_table(monkeypatch) -> None:
    """A copy of the table, which the test may change."""
    monkeypatch.setattr(providers, "_table", dict(providers._table))


def example_host(pattern: str) -> str:
    return pattern.replace("*", "some-name")


# ── the rows ────────────────────────────────────────────────────────────────────


def test_every_row_has_a_name_of_its_own() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names)) == len(provider_names())
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) for name in names)
    titles = [row.title for row in ROWS]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("name", EXPECTED.split())
def test_a_server_that_people_expect_has_a_row(name: str) -> None:
    assert get_provider(name).title


@rows
def test_each_fact_that_differs_has_dated_evidence(row: Provider) -> None:
    proven = {name for evidence in row.evidence for name in evidence.fields}
    told = set(request_facts(row)) | {
        name for name in ("base_url", "key_variables") if getattr(row, name)
    }
    assert told - proven == set()


@rows
def test_evidence_is_of_facts_and_says_where_and_when(row: Provider) -> None:
    for evidence in row.evidence:
        assert evidence.fields
        assert set(evidence.fields) <= FIELDS
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])(-[0-3]\d)?", evidence.date)
        assert evidence.source == evidence.source.strip() != ""
        assert not evidence.source.startswith("/")


@rows
def test_an_address_is_https_unless_it_is_this_machine(row: Provider) -> None:
    if row.base_url is None:
        return
    parts = urlsplit(row.base_url)
    assert parts.scheme == ("http" if parts.hostname == "localhost" else "https")
    assert not row.base_url.endswith("/")
    assert (parts.query, parts.fragment, parts.username) == ("", "", None)
    assert row.owns(row.base_url)


@rows
def test_key_variables_look_like_variables(row: Provider) -> None:
    assert len(row.key_variables) == len(set(row.key_variables))
    for variable in row.key_variables:
        assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", variable)
        assert variable.endswith(("_KEY", "_TOKEN", "_PAT", "_CREDENTIAL", "BEDROCK"))


def test_a_variable_belongs_to_one_row() -> None:
    users: dict[str, set[str]] = {}
    for row in ROWS:
        for variable in row.key_variables:
            users.setdefault(variable, set()).add(row.name)
    assert {v: names for v, names in users.items() if len(names) > 1} == (
        SHARED_VARIABLES
    )


@rows
def test_a_required_key_has_a_variable(row: Provider) -> None:
    # Vertex takes tokens that live for an hour: a callable, never a variable.
    assert row.key_variables or not row.key_required or row.name == "vertex"


@rows
def test_facts_do_not_contradict_each_other(row: Provider) -> None:
    assert row.prefill_base_url is None or row.prefill is not None
    assert row.reasoning_input_empty is None or row.reasoning_input is not None
    assert row.json_schema or row.structured_output != "json_schema"
    assert row.json_mode or row.structured_output != "json_mode"
    assert row.tools or row.structured_output != "function_calling"
    if row.prefill_base_url is not None:
        assert row.owns(row.prefill_base_url)


def test_no_two_rows_claim_a_host() -> None:
    for row in ROWS:
        for pattern in row.hosts:
            host = example_host(pattern)
            scheme = "http" if re.search(r":\d+$", host) else "https"
            claimants = [r.name for r in ROWS if r.owns(f"{scheme}://{host}/v1")]
            assert claimants == [row.name], pattern


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://my-resource.openai.azure.com/openai/v1", "azure"),
        ("https://a.cognitiveservices.azure.com", "azure"),
        ("https://a.services.ai.azure.com/models", "azure_foundry"),
        ("https://a-b.eastus2.models.ai.azure.com/v1", "azure_serverless"),
        ("https://bedrock-mantle.us-east-1.api.aws/v1", "bedrock"),
        ("https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1", "bedrock"),
        ("https://abc.execute-api.us-east-1.api.aws/v1", None),
        ("https://bedrock-runtime.us-west-2.evil.amazonaws.com/v1", None),
        ("https://us-central1-aiplatform.googleapis.com/v1", "vertex"),
        ("https://aiplatform.googleapis.com/v1", "vertex"),
        ("https://adb-1.2.azuredatabricks.net/serving-endpoints", "databricks"),
        ("https://dbc-1.cloud.databricks.com/serving-endpoints", "databricks"),
        ("https://databricks.com/", None),
        ("https://org-acc.snowflakecomputing.com/api/v2/cortex/v1", "snowflake"),
        ("https://api.tokenfactory.eu-west1.nebius.com/v1", "nebius"),
        ("https://api.moonshot.cn/v1", "moonshot"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "dashscope"),
        ("https://ws.cn-beijing.maas.aliyuncs.com/compatible-mode/v1", "dashscope"),
        ("https://open.bigmodel.cn/api/paas/v4", "bigmodel"),
        ("https://api.z.ai/api/coding/paas/v4", "zai"),
        ("https://api.together.ai/v1", "together"),
        ("https://api.cohere.com/compatibility/v1", "cohere"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://127.0.0.1:11434/v1", "ollama"),
        ("http://[::1]:11434/v1", "ollama"),
        ("https://ollama.com/v1", "ollama"),
        ("http://ollama.com/v1", None),
        ("http://localhost:1234/v1", "lmstudio"),
        ("http://localhost:8000/v1", None),
        ("http://localhost/v1", None),
    ],
)
def test_an_address_selects_its_row(url: str, name: str | None) -> None:
    found = provider_for_url(url)
    assert (found and found.name) == name


@needs_corpus
def test_recorded_servers_have_the_row_of_their_name() -> None:
    known = {"gemini_compat": "gemini", "hf_router": "huggingface"}
    known |= {"anthropic_compat": "anthropic", "cohere_compat": "cohere"}
    seen: dict[str, set[str | None]] = {}
    for path in CORPUS.glob("*/*.json"):
        if path.name.endswith(".body.json"):
            continue
        url = json.loads(path.read_text("utf-8"))["url"] or ""
        folder = path.parent.name
        if url.startswith("https://api.") or folder in known:
            row = provider_for_url(url)
            seen.setdefault(folder, set()).add(row.name if row else None)
    del seen["openrouter"]  # two of its recordings went to another address
    del seen["portkey_gateway"]  # it wants its key in a header of its own
    assert {
        folder: {known.get(folder, folder)} for folder in seen if folder != "misc_mock"
    } == seen


@needs_corpus
@rows
def test_a_recording_that_is_evidence_exists(row: Provider) -> None:
    for evidence in row.evidence:
        for name in re.findall(r"recording (\S+) in the wire corpus", evidence.source):
            assert (CORPUS / f"{name}.json").is_file(), name


# ── whom a URL belongs to ───────────────────────────────────────────────────────

GROQ = get_provider("groq")
AZURE = get_provider("azure")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.groq.com",
        "https://api.groq.com/",
        "https://api.groq.com/openai/v1",
        "https://api.groq.com:443/openai/v1",
        "https://api.groq.com:8443/openai/v1",
        "https://api.groq.com:/openai/v1",
        "https://API.Groq.COM/openai/v1",
        "HTTPS://api.groq.com/openai/v1",
        "https://api.groq.com./openai/v1",
        "https://api.groq.com.:443/openai/v1",
        "https://api.groq.com?query",
        "https://api.groq.com#@evil.example",
    ],
)
def test_a_host_is_recognised_in_every_plain_form(url: str) -> None:
    assert GROQ.owns(url)
    assert provider_for_url(url) is GROQ


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.groq.com",
        "//api.groq.com/v1",
        "https:api.groq.com",
        "https:///api.groq.com/v1",
        "ftp://api.groq.com/v1",
        "http://api.groq.com/v1",
        "http://api.groq.com:443/v1",
        "https://evil-api.groq.com/v1",
        "https://evil-api.groq.com.example.org/v1",
        "https://api.groq.com.evil.example/v1",
        "https://api.groq.com@evil.example/v1",
        "https://api.groq.com:443@evil.example/v1",
        "https://user@api.groq.com/v1",
        "https://user:password@api.groq.com/v1",
        "https://evil.example\\@api.groq.com/v1",
        "https://api.groq.com\\@evil.example/v1",
        "https://api.groq.com\\.evil.example/v1",
        "https://evil.example/api.groq.com",
        "https://evil.example/?https://api.groq.com",
        "https://evil.example#api.groq.com",
        "https://api.groq.com%2eevil.example/v1",
        "https://api%2egroq%2ecom/v1",
        "https://api.groq.com%00.evil.example/v1",
        "https://api.groq.com\t.evil.example/v1",
        "https://api.groq.com\n.evil.example/v1",
        "https://api.groq.com\r\n/v1",
        "https://api.groq.com\n",
        "https://api.groq.com /v1",
        " https://api.groq.com/v1",
        "https://api.groq.com../v1",
        "https://.api.groq.com/v1",
        "https://api..groq.com/v1",
        "https://api.groq.com:99999/v1",
        "https://api.groq.com:443x/v1",
        "https://api.groq.com:-443/v1",
        "https://api.groq.com:4 43/v1",
        "https://api.groq.com\uff0eevil.example/v1",
        "https://api\u3002groq\u3002com/v1",
        "https://\uff41pi.groq.com/v1",
        "https://api.gr\u043eq.com/v1",
        "https://xn--api-groq.com/v1",
        "https://api.groq.com\u2100/v1",
        "https://api.groq.com\u00ad/v1",
        "https://[api.groq.com]/v1",
        "https://[::1/v1",
        "https://api.groq.com:443:443/v1",
    ],
)
def test_what_only_looks_like_a_host_belongs_to_no_row(url: str) -> None:
    assert not GROQ.owns(url)
    assert provider_for_url(url) is None


def test_a_kelvin_sign_is_no_k() -> None:
    url = "https://api.deepsee\u212a.com/v1"
    assert "\u212a".lower() == "k"  # why the question arises
    assert not get_provider("deepseek").owns(url)
    assert provider_for_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://openai.azure.com/",
        "https://evilopenai.azure.com/",
        "https://a.openai.azure.com.evil.example/",
        "https://a@b.openai.azure.com/",
        "https://.openai.azure.com/",
        "https://*.openai.azure.com/",
        "http://a.openai.azure.com/",
    ],
)
def test_a_star_stands_for_a_real_subdomain_only(url: str) -> None:
    assert AZURE.owns("https://a.b.openai.azure.com/")
    assert not AZURE.owns(url)
    assert provider_for_url(url) is None


def test_a_port_that_a_row_names_counts() -> None:
    row = Provider(name="x", hosts=("gpu.example:8000", "[::1]:9000"))
    assert row.owns("http://gpu.example:8000/v1")
    assert row.owns("https://gpu.example:8000/v1")
    assert row.owns("http://[::1]:9000/v1")
    assert not row.owns("http://gpu.example:8001/v1")
    assert not row.owns("https://gpu.example/v1")


def test_plain_http_is_for_rows_that_say_http() -> None:
    assert Provider(name="x", base_url="http://llm.example/v1").owns(
        "http://llm.example/v1"
    )
    secure = Provider(name="x", base_url="https://llm.example:8443/v1")
    assert secure.owns("https://llm.example:8443/v1")
    assert not secure.owns("http://llm.example:8443/v1")
    assert not secure.owns("https://llm.example/v1")
    beside = secure.replace(hosts=("gpu.example:8000",))
    assert beside.owns("https://gpu.example:8000/v1")
    assert not beside.owns("http://gpu.example:8000/v1")


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
ROW_HOSTS = st.sampled_from(
    sorted(
        {example_host(host) for row in ROWS for host in row.hosts}
        | {urlsplit(row.base_url).netloc for row in ROWS if row.base_url}
    )
)
HOSTS = ROW_HOSTS | st.lists(LABELS, min_size=1, max_size=5).map(".".join)
URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["https", "http", "HTTPS"]),
    st.sampled_from(["", "", "", "a@", "a:b@", "evil.", "evil-"]),
    HOSTS,
    st.sampled_from(["", "", ".", ":443", ":80", ":8443", ".evil.example", "\\@x"]),
    st.sampled_from(["", "/", "/v1", "?q", "#f", "@evil.example/"]),
)


@given(URLS)
def test_the_index_and_the_rows_agree(url: str) -> None:
    found = provider_for_url(url)
    owners = [row for row in ROWS if row.owns(url)]
    assert owners == ([] if found is None else [found])


@given(
    st.one_of(URLS, st.text(max_size=60), st.text(max_size=40).map("https://".__add__))
)
@example("https://api.groq.com\x00")
@example("https://api.groq.com[")
def test_any_text_is_answered(url: str) -> None:
    found = provider_for_url(url)
    assert found is None or owns(found, url)


@given(st.one_of(URLS, st.text(max_size=30).map("https://api.groq.com".__add__)))
@example("https://API.groq.com.:0443?@evil.example/")
def test_the_client_connects_to_the_host_that_was_checked(url: str) -> None:
    origin = parse_origin(url)
    if origin is None:
        return
    try:
        seen = httpx.URL(url)
    except httpx.InvalidURL:
        return  # no request can be made at all
    port = seen.port or {"http": 80, "https": 443}[seen.scheme]
    host = f"[{seen.host}]" if ":" in seen.host else seen.host
    assert (seen.scheme, host.removesuffix("."), port) == origin
    assert seen.userinfo == b""


@given(ROW_HOSTS.filter(lambda host: ":" not in host), LABELS)
def test_a_row_never_owns_a_host_that_only_contains_its_own(
    host: str, label: str
) -> None:
    row = provider_for_url(f"https://{host}/v1")
    assert row is not None
    for url in (
        f"https://{host}.{label}.example/",
        f"https://{host}@{label}.example/",
        f"https://{label}.example/{host}",
        f"https://{host}{label}/",
        f"http://{host}/",
    ):
        assert not row.owns(url), url


def test_looking_a_url_up_takes_microseconds() -> None:
    def cost(url: str) -> float:
        provider_for_url(url)
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(200):
                provider_for_url(url)
            best = min(best, (time.perf_counter() - start) / 200)
        return best * 1e6

    urls = ("https://api.groq.com/openai/v1", "https://a.openai.azure.com/", "http://x")
    assert max(map(cost, urls)) < 50  # 2 to 6 on an idle machine


# ── getting, changing and adding rows ───────────────────────────────────────────


@pytest.mark.parametrize("name", ["Groq", " groq ", "GROQ"])
def test_a_name_is_found_however_it_is_written(name: str) -> None:
    assert get_provider(name) is GROQ
    assert get_provider("azure-foundry") is get_provider("Azure Foundry")


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("opnai", "openai"),
        ("gorq", "groq"),
        ("grok", "xai"),
        ("kimi", "moonshot"),
        ("qwen", "dashscope"),
        ("alibaba", "dashscope"),
        ("claude", "anthropic"),
        ("google", "gemini"),
        ("lm-studio", "lmstudio"),
        ("lm studio", "lmstudio"),
        ("llama.cpp", "llamacpp"),
        ("open_router", "openrouter"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(name: str, suggestion: str) -> None:
    with pytest.raises(ConfigurationError, match="not in the table") as caught:
        get_provider(name)
    hint = str(caught.value).partition("Did you mean ")[2].partition("?")[0]
    assert suggestion in hint.split(" or ")


def test_a_name_like_none_lists_them_all() -> None:
    with pytest.raises(ConfigurationError) as caught:
        get_provider("zzzzzzzz")
    message = str(caught.value)
    assert "Did you mean" not in message
    assert "register_provider" in message
    assert all(name in message for name in provider_names())


def test_names_are_sorted() -> None:
    assert provider_names() == sorted(provider_names())


def test_replace_changes_a_copy() -> None:
    copy = GROQ.replace(strict_tools=False, max_tokens_field="max_tokens")
    assert (copy.strict_tools, copy.max_tokens_field) == (False, "max_tokens")
    assert GROQ.strict_tools is True
    assert copy.replace(strict_tools=True, max_tokens_field=GROQ.max_tokens_field) == (
        GROQ
    )


def test_replace_refuses_what_is_no_fact_and_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError) as caught:
        GROQ.replace(strict_tool=False, zzz=1)
    message = str(caught.value)
    assert message.startswith("strict_tool, zzz: no such fact of a provider.")
    assert "Did you mean strict_tools" in message
    assert all(name in message for name in FIELDS)


def test_replace_refuses_an_address_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        GROQ.replace(base_url="api.groq.com")


@pytest.mark.parametrize(
    "url",
    [
        "llm.example/v1",
        "ftp://llm.example/v1",
        "https://key@llm.example/v1",
        "https://b\u00fccher.example/v1",
    ],
)
def test_a_row_refuses_an_address_that_could_not_select_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="'x': its base_url") as caught:
        Provider(name="x", base_url=url)
    assert "key@" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("https://llm.example", "is no host"),
        ("llm.example/v1", "is no host"),
        ("LLM.example", "is no host"),
        ("llm.example:", "is no host"),
        ("", "is no host"),
        ("*", "too wide"),
        ("*.com", "too wide"),
        ("llm.*.com", "too wide"),
        ("llm.*", "too wide"),
        ("*.*.example.com", "more than one star"),
    ],
)
def test_a_row_refuses_a_pattern_that_is_none(host: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        Provider(name="x", hosts=(host,))


def test_a_row_is_frozen_and_small() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        GROQ.name = "other"
    assert not hasattr(GROQ, "__dict__")
    with pytest.raises(TypeError):
        Provider("positional")
    assert hash(GROQ) == hash(GROQ.replace())


@pytest.mark.usefixtures("own_table")
def test_a_registered_row_is_known_by_name_and_host() -> None:
    row = Provider(name="My-Server", base_url="https://llm.acme.example/v1")
    assert provider_for_url("https://llm.acme.example/v1") is None
    assert register_provider(row) is row
    assert get_provider("my_server") is row
    assert provider_for_url("https://llm.acme.example/v1") is row
    assert "My-Server" in provider_names()


@pytest.mark.usefixtures("own_table")
def test_a_row_of_the_same_name_is_replaced_with_its_hosts() -> None:
    moved = register_provider(
        GROQ.replace(base_url="https://groq.acme.example/v1", hosts=())
    )
    assert get_provider("groq") is moved
    assert provider_for_url("https://groq.acme.example/") is moved
    assert provider_for_url("https://api.groq.com/openai/v1") is None
    assert provider_names().count("groq") == 1


@pytest.mark.usefixtures("own_table")
def test_a_host_belongs_to_the_row_that_was_registered_later() -> None:
    for pattern, url in (
        ("api.groq.com", "https://api.groq.com/v1"),
        ("*.openai.azure.com", "https://a.openai.azure.com/"),
        ("bedrock-mantle.*.api.aws", "https://bedrock-mantle.x.api.aws/"),
    ):
        mine = register_provider(Provider(name="mine", hosts=(pattern,)))
        assert provider_for_url(url) is mine
        yours = register_provider(Provider(name="yours", hosts=(pattern,)))
        assert provider_for_url(url) is yours
        assert register_provider(mine) is provider_for_url(url)


@pytest.mark.usefixtures("own_table")
def test_a_host_in_full_comes_before_one_with_a_star() -> None:
    exact = register_provider(Provider(name="one", hosts=("a.openai.azure.com",)))
    assert provider_for_url("https://a.openai.azure.com/") is exact
    assert provider_for_url("https://b.openai.azure.com/") is AZURE


def test_a_table_that_was_put_back_is_looked_up_again(monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(providers, "_table", dict(providers._table))
        mine = register_provider(Provider(name="mine", hosts=("api.groq.com",)))
        assert provider_for_url("https://api.groq.com/") is mine
    assert provider_for_url("https://api.groq.com/") is GROQ


@pytest.mark.usefixtures("own_table")
def test_rows_may_be_registered_while_others_are_looked_up() -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def register(start: int) -> None:
        try:
            barrier.wait()
            for number in range(start, start + 50):
                row = Provider(name=f"row{number}", hosts=(f"h{number}.example",))
                register_provider(row)
                assert provider_for_url(f"https://h{number}.example/") is row
                assert provider_for_url("https://api.groq.com/") is GROQ
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            errors.append(error)

    threads = [threading.Thread(target=register, args=(n * 50,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(provider_for_url(f"https://h{n}.example/") for n in range(200))


# ── the page ────────────────────────────────────────────────────────────────────


def test_the_page_holds_the_table() -> None:
    page = PAGE.read_text("utf-8")
    assert insert_table(page) == page, (
        "refresh it: python -m langchain_streamkit.providers docs/providers.md"
    )
    assert render_table() in page


def test_the_table_has_a_line_for_each_row() -> None:
    lines = render_table().splitlines()
    assert len(lines) == len(ROWS) + 2
    columns = {len(re.split(r"(?<!\\)\|", line)) for line in lines}
    assert columns == {8}
    for row, line in zip(ROWS, lines[2:], strict=True):
        assert line.startswith(f"| `{row.name}` | {row.title} |")
        assert all(evidence.source in line for evidence in row.evidence)


OTHERS = {
    "key_header": "api-key",
    "max_tokens_field": "max_tokens",
    "refused_parameters": ("seed",),
    "parameter_names": (("seed", "random_seed"),),
    "tool_choice_required": None,
    "tool_call_id": "alphanumeric-9",
    "tool_call_content": "omit",
    "structured_output": "json_mode",
    "reasoning_input": "reasoning",
    "image_inputs": False,
    "image_url_inputs": False,
    "audio_inputs": False,
    "pdf_inputs": False,
    "prefill": "partial",
    "prefill_base_url": "https://beta.example",
}


def other_value(field: dataclasses.Field[object]) -> object:
    if isinstance(field.default, bool):
        return not field.default
    return OTHERS[field.name]


@pytest.mark.parametrize(
    "field",
    [
        field
        for field in dataclasses.fields(Provider)
        if field.name
        not in {
            *("name", "title", "base_url", "hosts", "key_variables", "key_required"),
            *("evidence", "reasoning_input_turns", "reasoning_input_empty"),
        }
    ],
    ids=lambda field: field.name,
)
def test_each_fact_that_differs_has_words(field, monkeypatch) -> None:
    row = Provider(name="x").replace(**{field.name: other_value(field)})
    assert request_facts(row) == (field.name,)
    monkeypatch.setattr("langchain_streamkit.providers._markdown.ROWS", (row,))
    words = render_table().splitlines()[2].split(" | ")[4]
    assert words != "as OpenAI"
    assert "None" not in words


def test_reasoning_is_told_in_one_phrase(monkeypatch) -> None:
    row = Provider(
        name="x",
        reasoning_input="reasoning_content",
        reasoning_input_turns="tool_calls",
        reasoning_input_empty=" ",
    )
    monkeypatch.setattr("langchain_streamkit.providers._markdown.ROWS", (row,))
    assert (
        "reasoning of turns with tool calls goes back as `reasoning_content`, `' '` "
        "where there was none |"
    ) in render_table()


def test_cells_cannot_break_the_table(monkeypatch) -> None:
    evidence = Evidence(fields=("name",), source="a|b <script>", date="2026-11")
    row = Provider(name="x", title="A|B", evidence=(evidence,))
    monkeypatch.setattr("langchain_streamkit.providers._markdown.ROWS", (row,))
    line = render_table().splitlines()[2]
    assert line.count("|") - line.count(r"\|") == 7
    assert "<script>" not in line


@pytest.mark.parametrize(
    "page",
    ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{END}{END}"],
)
def test_a_page_without_its_markers_is_refused(page: str) -> None:
    with pytest.raises(ConfigurationError, match="each once"):
        insert_table(page)


def test_a_table_is_written_over_an_older_one() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    written = insert_table(page)
    assert written == f"before\n{BEGIN}\n\n{render_table()}\n{END}\nafter\n"
    assert insert_table(written) == written


def run_module(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "langchain_streamkit.providers", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=False,
        timeout=50,
    )


def test_the_command_writes_the_page_or_says_why_not(tmp_path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}{END}", "utf-8")
    done = run_module(str(page))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert page.read_text("utf-8") == f"{BEGIN}\n\n{render_table()}\n{END}"
    page.write_text("no markers", "utf-8")
    refused = run_module(str(page), str(tmp_path / "missing.md"))
    assert refused.returncode == 1
    assert "each once" in refused.stderr
    assert page.read_text("utf-8") == "no markers"


def test_the_command_prints_the_table() -> None:
    done = run_module()
    assert (done.returncode, done.stdout) == (0, render_table())
