"""Which key an expert needs and where it may come from; a key is never printed, stored or put into the environment."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from routing.addresses import checked_address
from routing.errors import KeyMissing, RequestRefused
from routing.protocols import AZURE_SECRETS, Asked, asked_at, name_at
from routing.schema import Expert

# LiteLLM's names of providers that take a key alone, or a key and an address; most keys are named after their provider.
_USUAL = (
    "ai21 aihubmix aiml amazon_nova anthropic azure azure_ai baseten cerebras chutes cloudflare codestral cohere "
    "dashscope databricks deepinfra deepseek featherless_ai fireworks_ai friendliai github gmi gradient_ai groq "
    "hyperbolic inception minimax mistral moonshot morph nebius novita nscale nvidia_nim openai openrouter ovhcloud "
    "poe publicai qwen_ai_platform qwencloud sambanova tencent v0 vercel_ai_gateway volcengine wandb xai zai"
)
# Alternatives are tried in order. Source: litellm.validate_environment; tests/test_keys.py compares the two.
KEY_NAMES: Mapping[str, tuple[str, ...]] = {name: (f"{name.upper()}_API_KEY",) for name in _USUAL.split()} | {
    "cohere_chat": ("COHERE_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "lambda_ai": ("LAMBDA_API_KEY",),
    "meta_llama": ("LLAMA_API_KEY",),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "scaleway": ("SCW_SECRET_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY",),
}
# Providers that give every customer an address of their own.
ADDRESS_NAMES: Mapping[str, str] = {
    "azure": "AZURE_API_BASE",
    "azure_ai": "AZURE_AI_API_BASE",
    "cloudflare": "CLOUDFLARE_API_BASE",
    "databricks": "DATABRICKS_API_BASE",
}
VERSIONED = frozenset({"azure", "azure_ai"})  # the version of their interface is part of each call
WHERE = "under Keys in the app, in .streamlit/secrets.toml or in the environment"
KEYLESS = "your own address, called without a key"
_HARMLESS = re.compile(
    r"^(PATH|HOME|USER|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|LD_LIBRARY_PATH|VIRTUAL_ENV"
    r"|PIP_\w+|(HTTPS?|ALL|NO)_PROXY|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|OMP_\w+)$",
    re.IGNORECASE,
)


class Secret:
    """A key that shows itself only to those who ask for it by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself: for the call that needs it, and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("A key cannot be pickled, cached or exported.")


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """Whether an expert can be called, why, and what to do if not.

    ``source`` says where the key comes from: "session", "secrets", "environment" or "not needed"; None if
    it is missing. ``text`` is a sentence for a person.
    """

    expert: str
    is_usable: bool
    source: str | None
    names: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Access:
    """What one call needs: the name LiteLLM calls, the key and the address, None where LiteLLM knows it.

    ``allow_private`` says whether the address may lie on this machine or in its private network; ``settings`` are what
    else LiteLLM is told of this provider, such as the version of its interface. ``is_own`` is true of an own address.
    """

    model: str
    key: Secret
    address: str | None
    allow_private: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys in order of precedence: of this browser session, of secrets.toml, of the environment.

    Args:
        session: Keys typed in by the person, by environment name.
        secrets: ``st.secrets`` or a mapping like it; only plain strings count.
        environ: The environment; the process's own if not given. It is read, never written.
        endpoints: Own addresses by expert name, http or https; each is asked as the expert's LiteLLM name says.
        compatible: Experts whose own address was given as an OpenAI-compatible one, whoever else serves them.
        versions: Versions of the provider's interface by expert name, where one was stated.
        typed: Experts whose own address was typed in this browser session. Only a key typed there too may go along:
            otherwise a visitor could send for the keys of whoever runs the app.
        priced: Experts whose price is that of their own address; the others' price is the provider's.
        allow_private: Whether own addresses may lie on this machine or in its private network.
    """

    session: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, object] = field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    endpoints: Mapping[str, str] = field(default_factory=dict, repr=False)
    compatible: Collection[str] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)
    typed: Collection[str] = frozenset()
    priced: Collection[str] = frozenset()
    allow_private: bool = True

    @property
    def unpriced(self) -> frozenset[str]:
        """Experts behind an own address whose price nobody here knows."""
        return frozenset(self.endpoints) - frozenset(self.priced)

    def find(self, *names: str, is_typed: bool = False) -> tuple[Secret, str] | None:
        """The first key found under any of these names, and where it was found; ``is_typed`` looks here alone."""
        places = (("session", self.session), ("secrets", self.secrets), ("environment", self.environ))
        for source, mapping in places[:1] if is_typed else places:
            for name in names:
                value = mapping.get(name)
                if isinstance(value, str) and value.strip():
                    return Secret(value.strip()), source
        return None

    def names_for(self, expert: Expert) -> tuple[str, ...]:
        """Environment names under which the expert's key may lie; empty if it needs none that is known."""
        if expert.name in self.endpoints:
            return (endpoint_key_name(expert.name),)
        if expert.is_local or expert.litellm is None:
            return ()
        return KEY_NAMES.get(_provider(expert.litellm), ())

    def status(self, expert: Expert) -> KeyStatus:
        """Whether the expert can be called with what is here; costs no call and no import of LiteLLM."""
        names = self.names_for(expert)
        if expert.is_local and expert.name not in self.endpoints:
            return KeyStatus(expert.name, True, "not needed", (), "runs on this machine, no key needed")
        try:
            self.access(expert)
        except (KeyMissing, RequestRefused) as error:
            return KeyStatus(expert.name, False, None, names, str(error))
        found = self.find(*names, is_typed=expert.name in self.typed)
        if found is None:
            return KeyStatus(expert.name, True, "not needed", names, KEYLESS)
        return KeyStatus(expert.name, True, found[1], names, f"key from {_PLACES[found[1]]}")

    def access(self, expert: Expert) -> Access:
        """What a call to the expert needs.

        A key of a provider is never sent to an own address: that has a name of its own (endpoint_key_name).

        Raises:
            KeyMissing: No key is here, or no address is known; the text says what to add and where.
            RequestRefused: The own address may not be called.
        """
        if expert.name in self.endpoints:
            return self._own(expert)
        if expert.litellm is None:
            raise KeyMissing(
                f"{expert.title} has no address: nobody is known to serve it. Give an OpenAI-compatible address "
                "of your own for it, or choose another expert."
            )
        provider = _provider(expert.litellm)
        names = KEY_NAMES.get(provider)
        if names is None:
            raise KeyMissing(
                f"{expert.title} is served by {provider!r}, which needs more than a key or is not known here. Give an "
                f"address of your own for it, or the name that it has at one of {len(KEY_NAMES)} providers that are "
                "known, such as openrouter/..."
            )
        found = self.find(*names)
        if found is None:
            raise KeyMissing(f"{expert.title} has no key: add {' or '.join(names)} {WHERE}.")
        address = self._provider_address(expert, provider, found[1])
        return Access(expert.litellm, found[0], address, self.allow_private, self._settings(expert, provider))

    def _provider_address(self, expert: Expert, provider: str, key_source: str) -> str | None:
        name = ADDRESS_NAMES.get(provider)
        if name is None:
            return None
        found = self.find(name)
        if found is None:
            raise KeyMissing(f"{expert.title} has no address: add {name}, the address of your deployment, {WHERE}.")
        if found[1] == "session":
            self._refuse_foreign_secrets(expert, provider)
        if found[1] == "session" and key_source != "session":
            raise KeyMissing(
                f"{expert.title} has an address typed in this browser session, which gets no key from elsewhere: add "
                f"{' or '.join(KEY_NAMES[provider])} under Keys too."
            )
        return self._checked(found[0].reveal())

    def _checked(self, address: str) -> str:
        return checked_address(address, allow_private=self.allow_private)

    def asked(self, expert: Expert) -> Asked:
        """How the own address of an expert is asked.

        Raises:
            RequestRefused: It may not be called, or its provider cannot be asked at an own address.
        """
        address = self._checked(self.endpoints[expert.name])
        return asked_at(expert.litellm or expert.name, address, is_compatible=expert.name in self.compatible)

    def _own(self, expert: Expert) -> Access:
        asked = self.asked(expert)
        provider = _provider(asked.model)
        self._refuse_foreign_secrets(expert, provider)
        found = self.find(endpoint_key_name(expert.name), is_typed=expert.name in self.typed)
        key = found[0] if found else Secret("none")
        settings = self._settings(expert, provider)
        return Access(asked.model, key, asked.address, self.allow_private, settings, is_own=True)

    def _refuse_foreign_secrets(self, expert: Expert, provider: str) -> None:
        name = next((name for name in AZURE_SECRETS if self.environ.get(name)), None)
        if provider in VERSIONED and name is not None:
            raise RequestRefused(
                f"{expert.title} is not asked at an own address while {name} is set where this runs: it would be sent "
                "there too. Take it out of the environment, and give the address a key of its own."
            )

    def _settings(self, expert: Expert, provider: str) -> dict[str, str]:
        version = self.versions.get(expert.name)
        return {"api_version": version} if version and provider in VERSIONED else {}


_PLACES = {
    "session": "this browser session",
    "secrets": ".streamlit/secrets.toml",
    "environment": "the environment",
}


def served_name(expert: Expert) -> str:
    """The name by which LiteLLM asks an OpenAI-compatible address for an expert: its own without the provider.

    LiteLLM strips the provider and nothing else, so hosted_vllm/org/model is asked for as org/model.
    """
    return f"openai/{name_at(expert.litellm or expert.name)}"


def endpoint_key_name(expert: str) -> str:
    """The environment name of the key for an own address.

    >>> endpoint_key_name("gpt-4o-mini")
    'GPT_4O_MINI_ENDPOINT_KEY'
    """
    return re.sub(r"\W+", "_", expert).upper().strip("_") + "_ENDPOINT_KEY"


def harmless_environ(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The part of the environment that child processes need; keys are left out because only known names pass."""
    source = os.environ if environ is None else environ
    return {name: value for name, value in source.items() if _HARMLESS.match(name)}


def _provider(litellm_name: str) -> str:
    return litellm_name.split("/", 1)[0]
