"""The least a page can be: Flask, fetch and a few lines of script. Run with a port number."""

import sys
from dataclasses import asdict

from flask import Flask, Response, jsonify, render_template_string, request
from waitress import serve

from wholesale.columns import LABELS, SPEND_COLUMNS
from wholesale.predict import load_predictor, predict_segment

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Wholesale customer segments</title>
<style>body { font: 16px sans-serif; margin: 2rem } label { display: block }</style>
<h1>Wholesale customer segments</h1>
<form>{% for column, label in labels.items() %}
<label>{{ label }}
<input id="{{ column }}" name="{{ column }}" value="{{ start[column] }}"></label>{% endfor %}
<button>Predict</button></form>
<p>K-Means: <b id="kmeans"></b></p><p>Gaussian mixture: <b id="gmm"></b></p><div id="bars"></div>
<p>Ward: <b id="ward"></b></p><p id="agreement"></p><p id="error" role="alert"></p>
<script>
const put = (id, text) => { document.getElementById(id).textContent = text; };
const names = {{ names | tojson }};
const bar = (share, i) => `<p>${names[i]} <svg width="200" height="12"><rect width="${200 * share}"
  height="12" fill="steelblue"/></svg> ${Math.round(100 * share)}%</p>`;
const form = document.querySelector("form");
async function predict() {
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  const headers = { "Content-Type": "application/json" };
  const reply = await fetch("predict", { method: "POST", body, headers });
  const answer = await reply.json();
  put("error", answer.error ?? "");
  if (answer.error) return;
  for (const model of ["kmeans", "gmm", "ward"]) put(model, answer[model].name);
  put("agreement", `${answer.agreement} of 3 models agree`);
  document.getElementById("bars").innerHTML = answer.gmm.scores.map(bar).join("");
}
form.addEventListener("change", predict);
form.addEventListener("submit", (event) => { event.preventDefault(); predict(); });
predict();
</script></html>"""

app = Flask(__name__)
predictor = load_predictor()


@app.get("/")
def page() -> str:
    """Send the form, filled with the first customer on record."""
    start = dict(zip(SPEND_COLUMNS, predictor.amounts[0].tolist(), strict=True))
    return render_template_string(PAGE, labels=LABELS, start=start, names=predictor.names["gmm"])


@app.post("/predict")
def predict() -> Response:
    """Answer for six amounts."""
    try:
        return jsonify(asdict(predict_segment(predictor, request.get_json())))
    except ValueError as error:
        return jsonify(error=str(error))


if __name__ == "__main__":
    serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=4)
