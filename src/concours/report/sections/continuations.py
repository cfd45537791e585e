"""What the default model writes, at several temperatures."""

from __future__ import annotations

from concours.report.figures import Excerpt, Figure, Question, Questions, Section
from concours.report.lines import Report


def continuations_section(r: Report) -> Section | None:
    """Texts that it wrote; none where it writes none, or nobody looked."""
    found = r.insight("continued")
    if not found or not r.lines:
        return None
    questions = tuple(
        Question(
            title=f"prompt {number}",
            fields=(
                ("what stands in the test part", Excerpt(text=prompt)),
                *(
                    (f"at a temperature of {temperature:g} it goes on", Excerpt(text=f"…{text}…"))
                    for temperature, text in zip(found["temperatures"], texts, strict=True)
                ),
            ),
            replies=(),
        )
        for number, (prompt, texts) in enumerate(zip(found["prompts"], found["texts"], strict=True), 1)
    )
    return Section(
        id="continuations",
        title="What it writes",
        text=(
            f"{r.leader.name} went on with lines that it had not read, a character at a time, each drawn by how probable it is.",
            "concours continue goes on with any text.",
        ),
        figures=(
            Figure(
                title="How it goes on with lines of the test part",
                read=(
                    "How to read it: log-probabilities are divided by the temperature before a character is drawn. At 1 the model "
                    "writes as it believes texts to be; below that it says what is more probable, and repeats itself sooner."
                ),
                drawing=Questions(questions),
            ),
        ),
    )
