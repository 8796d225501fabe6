"""Clouds, where a customer's account, region or tenant stands in the address."""

from __future__ import annotations

from langchain_streamkit.providers._provider import Evidence, Provider

__all__ = ["CLOUDS"]

AZURE = Provider(
    name="azure",
    title="Azure OpenAI",
    hosts=(
        "*.openai.azure.com",
        "*.openai.azure.us",
        "*.cognitiveservices.azure.com",
    ),
    key_variables=("AZURE_OPENAI_API_KEY",),
    key_required=True,
    key_header="api-key",
    deployment_path=True,
    pdf_inputs=False,
    evidence=(
        Evidence(
            fields=("hosts", "key_variables", "key_header", "deployment_path"),
            source="https://learn.microsoft.com/en-us/azure/ai-foundry/openai/",
            date="2026-11",
            note="an address that ends in /openai/v1 takes no deployment in its path",
        ),
        Evidence(
            fields=("deployment_path",),
            source="recording azure/tool_call-gpt-5-mini-01 in the wire corpus",
            date="2026-11",
            note="max_completion_tokens and stream_options are taken",
        ),
        Evidence(
            fields=("pdf_inputs",),
            source="pydantic-ai 2.68.0, providers/azure.py",
            date="2026-11",
        ),
    ),
)

AZURE_FOUNDRY = Provider(
    name="azure_foundry",
    title="Azure AI Foundry",
    hosts=("*.services.ai.azure.com",),
    key_variables=("AZURE_AI_API_KEY", "AZURE_INFERENCE_CREDENTIAL", "AZURE_API_KEY"),
    key_required=True,
    key_header="api-key",
    pdf_inputs=False,
    evidence=(
        Evidence(
            fields=("hosts", "key_variables", "key_header"),
            source="https://learn.microsoft.com/en-us/azure/ai-foundry/model-inference/",
            date="2026-11",
            note="/models wants an api-version, /openai/v1 refuses one",
        ),
        Evidence(
            fields=("pdf_inputs",),
            source="pydantic-ai 2.68.0, providers/azure.py",
            date="2026-11",
            note="Mistral models there refuse max_completion_tokens (issue #6593)",
        ),
    ),
)

AZURE_SERVERLESS = Provider(
    name="azure_serverless",
    title="Azure AI serverless endpoints",
    hosts=("*.models.ai.azure.com",),
    key_variables=("AZURE_INFERENCE_CREDENTIAL", "AZURE_AI_API_KEY"),
    key_required=True,
    pdf_inputs=False,
    evidence=(
        Evidence(
            fields=("hosts", "key_variables", "pdf_inputs"),
            source="pydantic-ai 2.68.0, providers/azure.py",
            date="2026-11",
            note="one host a model, no api-version, the key as a bearer token",
        ),
    ),
)

BEDROCK = Provider(
    name="bedrock",
    title="Amazon Bedrock, OpenAI-compatible",
    hosts=("bedrock-mantle.*.api.aws", "bedrock-runtime.*.amazonaws.com"),
    key_variables=("AWS_BEARER_TOKEN_BEDROCK",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("hosts", "key_variables"),
            source="pydantic-ai 2.68.0, providers/bedrock_mantle.py",
            date="2026-11",
        ),
        Evidence(
            fields=("hosts",),
            source=(
                "recording bedrock_mantle/text-mistral.voxtral-mini-3b-2507-01 "
                "in the wire corpus"
            ),
            date="2026-11",
        ),
    ),
)

VERTEX = Provider(
    name="vertex",
    title="Google Vertex AI, OpenAI-compatible",
    hosts=("aiplatform.googleapis.com", "*-aiplatform.googleapis.com"),
    key_required=True,
    thought_signatures=True,
    evidence=(
        Evidence(
            fields=("hosts",),
            source="client code in public repositories",
            date="2026-11",
            note="/v1/projects/P/locations/L/endpoints/openapi; tokens of an hour",
        ),
        Evidence(
            fields=("thought_signatures",),
            source="issues earendil-works/pi #6733 and #7745",
            date="2026-11",
            note="extra_content.vertex, as Gemini's own extra_content.google",
        ),
    ),
)

DATABRICKS = Provider(
    name="databricks",
    title="Databricks",
    hosts=("*.databricks.com", "*.azuredatabricks.net"),
    key_variables=("DATABRICKS_TOKEN", "DATABRICKS_API_KEY"),
    key_required=True,
    max_tokens_field="max_tokens",
    evidence=(
        Evidence(
            fields=("hosts", "key_variables", "max_tokens_field"),
            source=(
                "https://docs.databricks.com/aws/machine-learning/"
                "foundation-model-apis/api-reference; litellm 1.109.1"
            ),
            date="2026-11",
            note="the address is https://WORKSPACE/serving-endpoints",
        ),
    ),
)

SNOWFLAKE = Provider(
    name="snowflake",
    title="Snowflake Cortex",
    hosts=("*.snowflakecomputing.com",),
    key_variables=("SNOWFLAKE_TOKEN", "SNOWFLAKE_PAT"),
    key_required=True,
    strict_tools=False,
    evidence=(
        Evidence(
            fields=("hosts", "key_variables"),
            source=(
                "https://docs.snowflake.com/en/user-guide/snowflake-cortex/open_ai_sdk"
            ),
            date="2026-11",
            note="the address is https://ACCOUNT.snowflakecomputing.com/api/v2/cortex/v1",
        ),
        Evidence(
            fields=("strict_tools",),
            source="pydantic-ai 2.68.0, providers/snowflake.py",
            date="2026-11",
            note="tools and formats for OpenAI's and Claude models only",
        ),
    ),
)

CLOUDFLARE = Provider(
    name="cloudflare",
    title="Cloudflare Workers AI",
    hosts=("api.cloudflare.com",),
    key_variables=("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"),
    key_required=True,
    evidence=(
        Evidence(
            fields=("hosts", "key_variables"),
            source="litellm 1.109.1, llms/cloudflare",
            date="2026-11",
            note="the address is /client/v4/accounts/ACCOUNT/ai/v1",
        ),
    ),
)

SCALEWAY = Provider(
    name="scaleway",
    title="Scaleway Generative APIs",
    base_url="https://api.scaleway.ai/v1",
    key_variables=("SCW_SECRET_KEY",),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="litellm 1.109.1, llms/openai_like/providers.json",
            date="2026-11",
        ),
    ),
)

OVHCLOUD = Provider(
    name="ovhcloud",
    title="OVHcloud AI Endpoints",
    base_url="https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
    key_variables=("OVHCLOUD_API_KEY",),
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="pydantic-ai 2.68.0; any-llm 1.40.2",
            date="2026-11",
            note="a few requests a minute are free without a key",
        ),
    ),
)

GITHUB_MODELS = Provider(
    name="github_models",
    title="GitHub Models (retired on 2026-07-30)",
    base_url="https://models.github.ai/inference",
    key_variables=("GITHUB_TOKEN", "GITHUB_API_KEY"),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="pydantic-ai 2.68.0, providers/github.py",
            date="2026-11",
            note="retired, as https://docs.github.com/en/github-models says",
        ),
    ),
)

GITHUB_COPILOT = Provider(
    name="github_copilot",
    title="GitHub Copilot",
    base_url="https://api.githubcopilot.com",
    key_variables=(
        "GITHUB_COPILOT_API_KEY",
        "GITHUB_COPILOT_API_TOKEN",
        "COPILOT_GITHUB_TOKEN",
    ),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="pydantic-ai 2.68.0, providers/github_copilot.py",
            date="2026-11",
            note="max_completion_tokens only: max_tokens is a bare 400",
        ),
    ),
)

CLOUDS = (
    AZURE,
    AZURE_FOUNDRY,
    AZURE_SERVERLESS,
    BEDROCK,
    VERTEX,
    DATABRICKS,
    SNOWFLAKE,
    CLOUDFLARE,
    SCALEWAY,
    OVHCLOUD,
    GITHUB_MODELS,
    GITHUB_COPILOT,
)
