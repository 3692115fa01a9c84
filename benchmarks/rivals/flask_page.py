"""The least a page can be: Flask, fetch and a few lines of script. Run with a port number."""

import sys
from dataclasses import asdict

from flask import Flask, Response, jsonify, render_template, request
from waitress import serve

from wholesale.predict import load_predictor, predict_segment

app = Flask(__name__, template_folder=".")
predictor = load_predictor()


@app.get("/")
def page() -> str:
    known = predictor.categories
    fields = zip(known.columns, known.labels, predictor.amounts[0].tolist(), strict=True)
    return render_template("flask_page.html", fields=fields, names=predictor.names["gmm"])


@app.post("/predict")
def predict() -> Response:
    return jsonify(asdict(predict_segment(predictor, request.get_json())))


serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=4)
