"""How an own address is asked: in OpenAI's protocol, in its provider's own way, or not at all.

LiteLLM's name of an expert, provider/name, says what the server behind a stated address speaks. Which provider speaks
what was seen by calling every one of LiteLLM's at a server that recorded what it was asked; a test does so again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from routing.errors import RequestRefused

# Asked at ADDRESS/chat/completions with the name that follows the provider, as LiteLLM does.
_OPENAI = (
    "abliteration ai21 ai21_chat aihubmix aiml amazon_nova apertis assemblyai baseten bedrock_mantle cerebras "
    "charity_engine chutes cloudflare codestral cognition compactifai cortecs crusoe custom_openai darkbloom "
    "dashscope databricks deepinfra deepseek docker_model_runner edenai empiriolabs empower featherless_ai "
    "friendliai galadriel github gmi groq helicone hosted_vllm hyperbolic inception lambda_ai lemonade libertai "
    "litellm_proxy llamafile llamagate lm_studio maritalk meta meta_llama modelscope moonshot morph nadir nano-gpt "
    "nebius neosantara novita nscale nvidia_nim openai openai_like openrouter ovhcloud parasail perplexity "
    "pinstripes poe prism publicai qwen_ai_platform qwencloud reka sail sambanova sarvam scaleway scx-ai "
    "synthetic tencent tensormesh together_ai v0 veniceai vercel_ai_gateway volcengine wandb xai xiaomi_mimo "
    "xinference zai"
)
OPENAI: Final = frozenset(_OPENAI.split())
# Asked in a way of their own: LiteLLM's provider that does so, and what people call it.
OWN_WAY: Final[Mapping[str, tuple[str, str]]] = {
    "anthropic": ("anthropic", "Anthropic"),
    "azure": ("azure", "Azure OpenAI"),
    "azure_ai": ("azure_ai", "Azure AI"),
    "cometapi": ("cometapi", "CometAPI"),
    "fireworks_ai": ("fireworks_ai", "Fireworks"),
    "gemini": ("gemini", "Gemini"),
    "gradient_ai": ("gradient_ai", "Gradient"),
    "heroku": ("heroku", "Heroku"),
    "huggingface": ("huggingface", "Hugging Face"),
    "minimax": ("minimax", "MiniMax"),
    "mistral": ("mistral", "Mistral"),
    "ollama": ("ollama_chat", "Ollama"),
    "ollama_chat": ("ollama_chat", "Ollama"),
}
# The rest of LiteLLM's providers: they take no prompts, sign calls, need more than an address and a key, speak a
# protocol that is not known here or that LiteLLM does not read as it comes (Cohere's events), or would be sent a secret
# of the environment in the place of the key.
_REFUSED = (
    "a2a a2a_agent aiohttp_openai anthropic_text auto_router aws_polly aws_textract azure_speech azure_text "
    "bedrock black_forest_labs bytez chatgpt clarifai cohere cohere_chat cursor custom datarobot deepgram "
    "dotprompt elevenlabs fal_ai gdc gigachat github_copilot humanloop infinity jina_ai langflow langfuse langgraph "
    "litellm_agent manus milvus mongodb nlp_cloud nvidia_riva oci oobabooga petals pg_vector predibase ragflow recraft "
    "reducto replicate runwayml s3_vectors sagemaker sagemaker_chat sagemaker_nova sap snowflake soniox stability "
    "strands_decider text-completion-codestral text-completion-inception text-completion-openai topaz transcribe "
    "triton typesafe valkey vertex_ai vertex_ai_beta vllm voyage watsonx watsonx_text"
)
REFUSED: Final = frozenset(_REFUSED.split())
# Of the environment: what LiteLLM or Azure's client would send to an Azure address instead of its own key.
AZURE_SECRETS: Final = ("AZURE_OPENAI_AD_TOKEN", "AZURE_USERNAME", "AZURE_PASSWORD")


@dataclass(frozen=True, slots=True)
class Asked:
    """How a call to an own address is made.

    Args:
        model: The name by which LiteLLM calls it.
        address: Where, in the form that LiteLLM takes for this provider.
        way: The provider whose own way it is, for people; empty for OpenAI's protocol.
    """

    model: str
    address: str
    way: str = ""


def provider_of(litellm: str) -> str:
    """The provider that a LiteLLM name begins with; empty where what it begins with is none."""
    first, _, rest = litellm.partition("/")
    return first if rest and (first in OPENAI or first in OWN_WAY or first in REFUSED) else ""


def name_at(litellm: str) -> str:
    """What a server is asked for: the LiteLLM name without its provider, and without that alone.

    >>> name_at("hosted_vllm/org/model"), name_at("org/model")
    ('org/model', 'org/model')
    """
    return litellm.split("/", 1)[1] if provider_of(litellm) else litellm


def asked_at(litellm: str, address: str, *, is_compatible: bool = False) -> Asked:
    """How an address is asked for the expert of a LiteLLM name.

    Args:
        litellm: Its LiteLLM name.
        address: As it was checked, without a trailing slash.
        is_compatible: Whether it was given as an OpenAI-compatible address, whoever else serves the expert.

    Raises:
        RequestRefused: The provider is called in a way that cannot be used at an own address.
    """
    provider, name = provider_of(litellm), name_at(litellm)
    if is_compatible or provider in OPENAI or not provider or _is_openai_part(provider, address):
        return Asked(f"openai/{name}", address)
    if provider in REFUSED:
        raise RequestRefused(
            f"An own address is not called in the way of {provider!r}: that takes more than an address and a key, or a "
            f"protocol that is not known here. If the server speaks OpenAI's protocol, write openai/{name}."
        )
    called, way = OWN_WAY[provider]
    return Asked(f"{called}/{name}", _completed(called, address), way)


def _is_openai_part(provider: str, address: str) -> bool:
    """Whether an address is the part of a provider's server that speaks OpenAI's protocol."""
    endings = {"ollama": "/v1", "ollama_chat": "/v1", "gemini": "/openai"}
    return address.endswith(endings.get(provider, "\0"))


def _completed(provider: str, address: str) -> str:
    """The address as LiteLLM takes it, which adds a path to one provider's and none to another's."""
    if provider == "anthropic":
        return address.removesuffix("/v1")
    if provider == "ollama_chat":
        return address.removesuffix("/api")
    return address
