"""The page as Streamlit would have it: run with ``streamlit run``."""

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from wholesale.amounts import parse_amounts
from wholesale.app import sentences
from wholesale.columns import LABELS, SPEND_COLUMNS, UNIT
from wholesale.explain import Explanation, explain
from wholesale.palette import segment_colours
from wholesale.predict import Prediction, Predictor, load_predictor, predict_segment
from wholesale.wording import format_amount, format_share


@st.cache_resource
def fitted() -> tuple[Predictor, np.ndarray, pd.DataFrame]:
    """Load the predictor and project the customers on record onto two principal components, once."""
    predictor = load_predictor()
    X = predictor.standardize(predictor.amounts)
    axes = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][:2]
    names = predictor.names["kmeans"]
    points = pd.DataFrame(X @ axes.T, columns=["component 1", "component 2"])
    points["segment"] = [names[segment - 1] for segment in predictor.segments["kmeans"]]
    return predictor, axes, points


def show_models(predictor: Predictor, prediction: Prediction) -> None:
    """Show what the three models say, with a bar per probability."""
    for box, key in zip(st.columns(3), ("kmeans", "gmm", "ward"), strict=True):
        with box.container(key=key):
            st.markdown(getattr(prediction, key).name)
            if key == "kmeans":
                st.caption(sentences.clarity(predictor, prediction))
            if key == "gmm":
                for name, share in zip(predictor.names["gmm"], prediction.gmm.scores, strict=True):
                    st.progress(min(max(share, 0.0), 1.0), f"{name} {format_share(share)}")


def show_reasons(explanation: Explanation) -> None:
    """Show each category's contribution, the smallest change, and the customers most alike."""
    st.bar_chart(
        pd.Series({LABELS[reason.column]: reason.contribution for reason in explanation.reasons}),
        horizontal=True,
        height=240,
    )
    if change := explanation.change:
        to = format_amount(change.to)
        st.write(f"{LABELS[change.column]} at {to} {UNIT} would make it {change.name}.")
    rows = [
        [alike.customer, alike.name, alike.channel, alike.region, *alike.amounts]
        for alike in explanation.alike
    ]
    st.table(pd.DataFrame(rows, columns=["customer", "segment", "channel", "region", *SPEND_COLUMNS]))


def show_map(predictor: Predictor, axes: np.ndarray, points: pd.DataFrame, amounts: np.ndarray) -> None:
    """Show the customers on record by segment, and this one among them."""
    you = pd.DataFrame([predictor.standardize(amounts) @ axes.T], columns=points.columns[:2])
    shown = pd.concat([points, you.assign(segment="this customer")])
    colours = {
        "domain": [*predictor.names["kmeans"], "this customer"],
        "range": [*segment_colours(predictor.overlap)["kmeans"], "#ffffff"],
    }
    chart = alt.Chart(shown, height=320).mark_circle(size=40)
    colour = alt.Color("segment:N", scale=alt.Scale(**colours))
    st.altair_chart(chart.encode(x="component 1", y="component 2", color=colour, tooltip="segment"))


st.set_page_config(page_title="Wholesale customer segments", layout="wide")
predictor, axes, points = fitted()
st.title("Wholesale customer segments")
form, results = st.columns([1, 3])
with form:
    typed = {
        column: st.text_input(f"{LABELS[column]} ({UNIT})", f"{predictor.amounts[0][i]}", key=column)
        for i, column in enumerate(SPEND_COLUMNS)
    }
    st.button("Predict", key="predict")
with results, st.container(key="results"):
    try:
        prediction = predict_segment(predictor, typed)
    except ValueError as error:
        st.error(str(error))
        st.stop()
    st.subheader(f"{prediction.agreement} of 3 models agree")
    st.write(sentences.familiarity(prediction))
    show_models(predictor, prediction)
    show_reasons(explain(predictor, typed))
    show_map(predictor, axes, points, parse_amounts(typed))
