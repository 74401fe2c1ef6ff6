"""Everything that can go wrong and that a person can mend, as a tree.

    RoutingError
    +-- CatalogError         the table of experts is missing, damaged or names an unknown expert
    +-- PreferenceError      a weight or a limit that cannot be used
    +-- PolicyFileError      a policy file that cannot be read, or that was made for another router
    +-- PromptError          there is nothing to route
    +-- GraphError           router.onnx, its tokenizer or its card is missing, damaged or mismatched
    +-- DataError            outcome data that cannot be trained on or judged with
    +-- WeightsError         the weights of a local expert cannot be fetched or do not match
    +-- StoreError           the database cannot be opened, or has not what was asked for
    +-- BudgetError          a call would go beyond the budget of the browser session
    +-- AnswerError          an expert did not answer
        +-- KeyMissing       no usable key for the expert's provider
        +-- KeyRejected      the provider refused the key
        +-- NameUnknown      the provider does not serve an expert of that name
        +-- RateLimited      too many calls, or the quota is used up
        +-- TimedOut         no answer within the time allowed
        +-- Unreachable      no connection to the provider
        +-- ContextTooLong   prompt and answer do not fit the expert's context
        +-- RequestRefused   the provider refused the request (content, parameters)
        +-- ServerFailed     the provider failed or sent a malformed answer
        +-- ToolWanted       the model wanted to call a tool, and wrote no answer
        +-- LocalFailed      the expert on this machine did not start or stopped

Pages and the command line catch ``RoutingError`` only; its text is one sentence for a person:
the value seen, what is allowed, what to do next.
"""


class RoutingError(Exception):
    """Base of everything that a person can mend."""


class CatalogError(RoutingError):
    """The table of experts is missing, damaged or does not know a name."""


class PreferenceError(RoutingError):
    """A weight or a limit cannot be used."""


class PolicyFileError(RoutingError):
    """A policy file cannot be read, or was made for another router."""


class PromptError(RoutingError):
    """There is nothing to route."""


class GraphError(RoutingError):
    """The graph, its tokenizer or its card is missing, damaged or mismatched."""


class DataError(RoutingError):
    """Outcome data cannot be trained on or judged with."""


class WeightsError(RoutingError):
    """The weights of a local expert cannot be fetched or do not match their SHA-256."""


class StoreError(RoutingError):
    """The database cannot be opened, or what was asked for is not in it."""


class BudgetError(RoutingError):
    """A call that would go beyond the budget of the browser session."""


class AnswerError(RoutingError):
    """An expert did not answer."""


class KeyMissing(AnswerError):
    """No usable key for the expert's provider."""


class KeyRejected(AnswerError):
    """The provider refused the key."""


class NameUnknown(AnswerError):
    """The provider does not serve an expert of that name."""


class RateLimited(AnswerError):
    """Too many calls, or the quota is used up."""


class TimedOut(AnswerError):
    """No answer within the time allowed."""


class Unreachable(AnswerError):
    """No connection to the provider."""


class ContextTooLong(AnswerError):
    """Prompt and answer do not fit into the expert's context."""


class RequestRefused(AnswerError):
    """The provider refused the request because of its content or parameters."""


class ServerFailed(AnswerError):
    """The provider failed or sent a malformed answer."""


class ToolWanted(AnswerError):
    """The model wanted to call a tool, and wrote no answer."""


class LocalFailed(AnswerError):
    """The expert on this machine did not start, or stopped."""
