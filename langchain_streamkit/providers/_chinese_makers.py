"""Chinese companies that serve the models they make, mostly from several regions."""

from __future__ import annotations

from langchain_streamkit.providers._provider import Evidence, Provider

__all__ = ["CHINESE_MAKERS"]

DEEPSEEK = Provider(
    name="deepseek",
    title="DeepSeek",
    base_url="https://api.deepseek.com",
    key_variables=("DEEPSEEK_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    strict_tools=False,
    tool_choice_while_reasoning=False,
    developer_role=False,
    json_schema=False,
    structured_output="function_calling",
    reasoning_input="reasoning_content",
    reasoning_input_empty="",
    prefill="prefix",
    prefill_base_url="https://api.deepseek.com/beta",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "reasoning_input"),
            source="https://api-docs.deepseek.com/guides/thinking_mode",
            date="2026-11",
            note="models think by default; with tools all earlier thoughts are needed",
        ),
        Evidence(
            fields=("reasoning_input", "reasoning_input_empty"),
            source="vercel/ai, convert-to-deepseek-chat-messages.ts; agentscope #3246",
            date="2026-08",
            note="every assistant turn, '' where there was none; a 400 without it",
        ),
        Evidence(
            fields=(
                "max_tokens_field",
                "json_schema",
                "structured_output",
                "developer_role",
            ),
            source="pydantic-ai 2.68.0, providers/deepseek.py; badlogic/pi-mono",
            date="2026-11",
            note="max_completion_tokens is ignored in silence, json_schema a 400",
        ),
        Evidence(
            fields=("strict_tools",),
            source="AgentScope Java documentation, DeepSeek",
            date="2026-11",
            note="strict belongs to the beta address",
        ),
        Evidence(
            fields=("tool_choice_while_reasoning",),
            source="recording deepseek/error-deepseek-v4-flash-06 in the wire corpus",
            date="2026-11",
            note="Thinking mode does not support this tool_choice",
        ),
        Evidence(
            fields=("prefill", "prefill_base_url"),
            source="https://api-docs.deepseek.com, Chat Prefix Completion (Beta)",
            date="2026-11",
        ),
    ),
)

MOONSHOT = Provider(
    name="moonshot",
    title="Moonshot AI (Kimi)",
    base_url="https://api.moonshot.ai/v1",
    hosts=("api.moonshot.cn",),
    key_variables=("MOONSHOT_API_KEY", "MOONSHOTAI_API_KEY"),
    key_required=True,
    strict_tools=False,
    tool_choice_required=None,
    tool_choice_named=False,
    tool_call_content="null",
    reasoning_input="reasoning_content",
    reasoning_input_turns="tool_calls",
    reasoning_input_empty=" ",
    image_url_inputs=False,
    prefill="partial",
    evidence=(
        Evidence(
            fields=("base_url", "hosts", "key_variables", "prefill"),
            source=(
                "https://platform.kimi.ai/docs/guide/"
                "use-partial-mode-feature-of-kimi-api"
            ),
            date="2026-11",
            note="the answer leaves out what was prefilled",
        ),
        Evidence(
            fields=("strict_tools", "tool_choice_required", "tool_choice_named"),
            source="pydantic-ai 2.68.0, providers/moonshotai.py",
            date="2026-11",
        ),
        Evidence(
            fields=("tool_call_content", "image_url_inputs"),
            source="vercel/ai, packages/moonshotai",
            date="2026-08",
            note="an empty assistant turn is a 400; no address is fetched",
        ),
        Evidence(
            fields=(
                "reasoning_input",
                "reasoning_input_turns",
                "reasoning_input_empty",
            ),
            source="issues bytedance/deer-flow #3043, charmbracelet/crush #2696",
            date="2026-05",
            note="a 400 without it; '' is refused, a space is taken",
        ),
    ),
)

DASHSCOPE = Provider(
    name="dashscope",
    title="Alibaba Model Studio (Qwen, DashScope)",
    base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    hosts=(
        "dashscope.aliyuncs.com",
        "dashscope-us.aliyuncs.com",
        "cn-hongkong.dashscope.aliyuncs.com",
        "*.maas.aliyuncs.com",
    ),
    key_variables=("DASHSCOPE_API_KEY", "ALIBABA_API_KEY"),
    key_required=True,
    max_tokens_field="max_tokens",
    tool_choice_while_reasoning=False,
    developer_role=False,
    structured_output="function_calling",
    pdf_inputs=False,
    prefill="partial",
    evidence=(
        Evidence(
            fields=("base_url", "hosts", "key_variables"),
            source=(
                "https://www.alibabacloud.com/help/en/model-studio/"
                "compatibility-of-openai-with-dashscope"
            ),
            date="2026-03",
        ),
        Evidence(
            fields=("max_tokens_field",),
            source="vercel/ai, packages/alibaba",
            date="2026-08",
            note="reasoning of earlier turns is ignored",
        ),
        Evidence(
            fields=("tool_choice_while_reasoning",),
            source="the server's own error message, in many issues",
            date="2026-11",
            note="tool_choice cannot be required or object in thinking mode",
        ),
        Evidence(
            fields=("developer_role",),
            source="the server's own error message, in many issues",
            date="2026-11",
            note="developer is not one of system, assistant, user, tool, function",
        ),
        Evidence(
            fields=("structured_output",),
            source="Instructor PHP documentation, Qwen",
            date="2026-11",
            note="only the newest models take a schema",
        ),
        Evidence(
            fields=("pdf_inputs",),
            source="pydantic-ai 2.68.0, providers/alibaba.py",
            date="2026-11",
        ),
        Evidence(
            fields=("prefill",),
            source="https://help.aliyun.com/zh/model-studio/partial-mode",
            date="2026-11",
            note="not while the model thinks",
        ),
    ),
)

ZAI = Provider(
    name="zai",
    title="Z.ai (GLM)",
    base_url="https://api.z.ai/api/paas/v4",
    key_variables=("ZAI_API_KEY",),
    key_required=True,
    max_tokens_field="max_tokens",
    strict_tools=False,
    tool_choice_required=None,
    tool_choice_named=False,
    developer_role=False,
    message_names=False,
    json_schema=False,
    structured_output="function_calling",
    reasoning_input="reasoning_content",
    evidence=(
        Evidence(
            fields=("base_url", "key_variables", "max_tokens_field"),
            source="zai-sdk 0.2.3, api_resource/chat/completions.py",
            date="2026-11",
        ),
        Evidence(
            fields=(
                "max_tokens_field",
                "strict_tools",
                "tool_choice_required",
                "tool_choice_named",
                "message_names",
            ),
            source="AgentScope Java documentation, GLM",
            date="2026-11",
            note="auto is the only tool_choice",
        ),
        Evidence(
            fields=("developer_role",),
            source="badlogic/pi-mono, packages/ai, openai-completions.ts",
            date="2026-03",
        ),
        Evidence(
            fields=("json_schema", "structured_output"),
            source="litellm 1.109.1, llms/zai",
            date="2026-11",
            note="most models take json_object only",
        ),
        Evidence(
            fields=("reasoning_input",),
            source="https://docs.z.ai/guides/capabilities/thinking-mode",
            date="2026-11",
            note="thoughts go back with the tool results",
        ),
    ),
)

BIGMODEL = ZAI.replace(
    name="bigmodel",
    title="Zhipu BigModel (GLM)",
    base_url="https://open.bigmodel.cn/api/paas/v4",
    key_variables=("ZHIPUAI_API_KEY", "BIGMODEL_API_KEY"),
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="zai-sdk 0.2.3; litellm 1.109.1, llms/bigmodel",
            date="2026-11",
            note="the same API as Z.ai's, with keys of its own",
        ),
        *ZAI.evidence[1:],
    ),
)

MINIMAX = Provider(
    name="minimax",
    title="MiniMax",
    base_url="https://api.minimax.io/v1",
    hosts=("api.minimaxi.com",),
    key_variables=("MINIMAX_API_KEY",),
    key_required=True,
    strict_tools=False,
    parallel_tool_calls=False,
    tool_choice_required=None,
    tool_choice_named=False,
    json_schema=False,
    json_mode=False,
    structured_output="function_calling",
    reasoning_input="reasoning_details",
    evidence=(
        Evidence(
            fields=("base_url", "hosts", "key_variables", "reasoning_input"),
            source="https://platform.minimax.io/docs/api-reference/text-openai-api",
            date="2026-11",
            note="the whole assistant turn goes back; inline <think> stays in the text",
        ),
        Evidence(
            fields=(
                "strict_tools",
                "parallel_tool_calls",
                "tool_choice_required",
                "tool_choice_named",
                "json_schema",
                "json_mode",
                "structured_output",
            ),
            source="AgentScope Java documentation, MiniMax",
            date="2026-11",
            note="none of these is in its documentation",
        ),
    ),
)

STEPFUN = Provider(
    name="stepfun",
    title="StepFun",
    base_url="https://api.stepfun.com/v1",
    key_variables=("STEP_API_KEY", "STEPFUN_API_KEY"),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="client code in public repositories",
            date="2026-11",
        ),
    ),
)

VOLCENGINE = Provider(
    name="volcengine",
    title="Volcengine Ark (Doubao)",
    base_url="https://ark.cn-beijing.volces.com/api/v3",
    key_variables=("ARK_API_KEY", "VOLCENGINE_API_KEY"),
    key_required=True,
    evidence=(
        Evidence(
            fields=("base_url", "key_variables"),
            source="litellm 1.109.1, llms/volcengine",
            date="2026-11",
            note="max_completion_tokens is taken",
        ),
    ),
)

CHINESE_MAKERS = (
    DEEPSEEK,
    MOONSHOT,
    DASHSCOPE,
    ZAI,
    BIGMODEL,
    MINIMAX,
    STEPFUN,
    VOLCENGINE,
)
