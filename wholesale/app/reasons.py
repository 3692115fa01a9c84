"""Why a customer is in its segment, what would change that and who is alike, as HTML."""

from html import escape

from wholesale.app import sentences
from wholesale.app.markup import card, named, note, swing, table
from wholesale.columns import LABELS, MODELS, SPEND_COLUMNS, UNIT
from wholesale.explain import Alike, Explanation, Reason
from wholesale.predict import Prediction
from wholesale.wording import format_amount, rounded


def why_card(prediction: Prediction, explanation: Explanation, colours: tuple[str, ...]) -> str:
    """Write what each category says for the segment rather than the next nearest."""
    own, rival = colours[prediction.kmeans.segment - 1], colours[explanation.rival - 1]
    ranked = sorted(explanation.reasons, key=lambda reason: -reason.contribution)
    most = max(abs(reason.contribution) for reason in ranked) or 1.0
    rows = [_reason(reason, most, own, rival) for reason in ranked]
    head = ("Category", "Amount", "Centre", "Against | for")
    body = note(sentences.reasons(explanation), "wc-reasons")
    body += table(head, rows, caption="What each category says, strongest support first", classes="wc-whys")
    body += note(
        f"A bar to the right: nearer to {prediction.kmeans.name} in this category; to the left: nearer to "
        f"{explanation.rival_name}. Bars are shares of the difference between the two squared distances. "
        f"Amounts in {UNIT}; the centre is the segment's average on the logarithmic scale."
    )
    heading = f"Why {prediction.kmeans.name} rather than {explanation.rival_name}"
    return card(body, "wc-why", heading=heading)


def _reason(reason: Reason, most: float, own: str, rival: str) -> tuple[str, str, str, str]:
    said = f"{'for' if reason.contribution >= 0 else 'against'}, {reason.contribution:+.2f}".replace("-", "−")
    bar = swing(reason.contribution / most, towards=own, away=rival, said=said)
    return escape(LABELS[reason.column]), format_amount(reason.amount), rounded(reason.centre), bar


def change_card(explanation: Explanation, colours: tuple[str, ...]) -> str:
    """Write the smallest change of one category that leads to another segment."""
    step, leads = sentences.change(explanation.change)
    if explanation.change is None:
        return card(f'<p class="wc-change">{step}</p>', heading="What would change it")
    target = named(leads, colours[explanation.change.segment - 1])
    then = (
        f'<span class="wc-whole">{MODELS["kmeans"]}</span> would say <span class="wc-leads">{target}</span>.'
    )
    said = f'<p class="wc-change"><b>{escape(step)}</b>, {then}</p>'
    how = note("Of all changes of one category, the smallest on the models' scale. It is no advice.")
    return card(said + how, heading="What would change it")


def alike_card(explanation: Explanation, colours: tuple[str, ...]) -> str:
    """Write the most similar customers on record, their amounts and segment; Channel and Region if known."""
    labels = [LABELS[column] for column in SPEND_COLUMNS]
    known = [
        name for name in ("Channel", "Region") if any(getattr(its, name.lower()) for its in explanation.alike)
    ]
    rows = [_alike(customer, colours, known) for customer in explanation.alike]
    caption = "The most similar customers on record, nearest first"
    body = table(["Customer", *labels, "Segment", *known], rows, caption=caption, classes="wc-alikes")
    remark = (
        f"{sentences.same(explanation)} Nearest first, in log-standardized units; amounts in {UNIT} a year."
    )
    return card(body + note(remark.strip()), "wc-alike", heading="Most similar real customers")


def _alike(customer: Alike, colours: tuple[str, ...], known: list[str]) -> list[str]:
    amounts = [format_amount(amount) for amount in customer.amounts]
    segment = f'<span class="wc-leads">{named(customer.name, colours[customer.segment - 1])}</span>'
    words = [escape(getattr(customer, name.lower())) for name in known]
    return [f"#{customer.customer}", *amounts, segment, *words]
