"""PlanBench: one JSON an expert and way of asking, each instance with its query and whether the plan is valid."""

from collections.abc import Iterator

from routing.sources.rows import Fetched, Outcome, Prompt, elements


def read(files: list[Fetched]) -> Iterator[Prompt | Outcome]:
    """Rows of every file; an instance without an answer is no outcome."""
    for file in files:
        text, way = file.text(), f"blocksworld|{file.pinned.part}"
        at = text.find('"instances"')
        if at < 0:
            raise file.damaged("no instances in it")
        for record in elements(file, text[at:]):
            try:
                prompt_id = f"planbench/{way}/{record['instance_id']}"
                query = str(record["query"]).strip()
            except KeyError as problem:
                raise file.damaged(f"an instance lacks {problem}") from problem
            said, is_right = record.get("llm_raw_response"), record.get("llm_correct")
            if not said or is_right is None:
                continue
            yield Prompt(prompt_id, f"planbench-{way}", "planning", query)
            yield Outcome(prompt_id, file.pinned.expert, float(bool(is_right)), output_chars=len(str(said)))
