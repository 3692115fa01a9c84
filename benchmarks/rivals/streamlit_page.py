"""The page as Streamlit would have it: run with ``streamlit run``."""

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from wholesale.amounts import parse_amounts
from wholesale.app import sentences
from wholesale.explain import explain
from wholesale.palette import segment_colours
from wholesale.predict import Predictor, load_predictor, predict_segment
from wholesale.wording import format_share


@st.cache_resource
def fitted() -> tuple[Predictor, np.ndarray, pd.DataFrame]:
    """Load the predictor and project the customers on record onto two principal components, once."""
    predictor = load_predictor()
    X = predictor.standardize(predictor.amounts)
    axes = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][:2]
    points = pd.DataFrame(X @ axes.T, columns=["component 1", "component 2"])
    points["segment"] = np.array(predictor.names["kmeans"])[np.array(predictor.segments["kmeans"]) - 1]
    return predictor, axes, points


st.set_page_config(page_title="Wholesale customer segments", layout="wide")
predictor, axes, points = fitted()
known = predictor.categories
st.title("Wholesale customer segments")
form, results = st.columns([1, 3])
typed = {}
with form:
    for column, amount in zip(known.columns, predictor.amounts[0], strict=True):
        typed[column] = st.text_input(f"{known.label(column)} ({known.unit})", f"{amount}", key=column)
    st.button("Predict", key="predict")
with results, st.container(key="results"):
    prediction, explanation = predict_segment(predictor, typed), explain(predictor, typed)
    st.subheader(f"{prediction.agreement} of 3 models agree")
    st.write(sentences.familiarity(prediction))

    for box, key in zip(st.columns(3), ("kmeans", "gmm", "ward"), strict=True):
        with box.container(key=key):
            st.markdown(getattr(prediction, key).name)
            if key == "kmeans":
                st.caption(sentences.verdict(predictor, prediction))
            if key == "gmm" and prediction.gmm:
                for name, share in zip(predictor.names["gmm"], prediction.gmm.scores, strict=True):
                    st.progress(min(max(share, 0.0), 1.0), f"{name} {format_share(share)}")

    reasons = {known.label(reason.column): reason.contribution for reason in explanation.reasons}
    st.bar_chart(pd.Series(reasons), horizontal=True, height=240)
    if change := explanation.change:
        st.write(f"{sentences.change(known, change)} would make it {change.name}.")
    rows = [[one.customer, one.name, one.channel, one.region, *one.amounts] for one in explanation.alike]
    st.table(pd.DataFrame(rows, columns=["customer", "segment", "channel", "region", *known.columns]))

    place = predictor.standardize(parse_amounts(typed, known)) @ axes.T
    you = pd.DataFrame([place], columns=points.columns[:2]).assign(segment="this customer")
    names = [*predictor.names["kmeans"], "this customer"]
    colours = alt.Scale(domain=names, range=[*segment_colours(predictor.overlap)["kmeans"], "#ffffff"])
    colour = alt.Color("segment:N", scale=colours)
    dots = alt.Chart(pd.concat([points, you]), height=320).mark_circle(size=40)
    st.altair_chart(dots.encode(x="component 1", y="component 2", color=colour, tooltip="segment"))
