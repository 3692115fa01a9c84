import contextlib
import email
import email.policy
import gzip
import http.client
import json
import math
import re
import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from schemathesis import checks
from servers import host_of, wait_for

from wholesale.amounts import parse_amount
from wholesale.app.server.answers import FILE_LIMIT, LIMIT, Refused, answer, description
from wholesale.app.server.api import Predict
from wholesale.app.server.page import CHUNKS, FOR_GOOD
from wholesale.columns import MODELS, SPEND_COLUMNS
from wholesale.explain import explain
from wholesale.manifest import SHIPPED
from wholesale.predict import Predictor, load_predictor, predict_segment
from wholesale.reading import read_customers
from wholesale.scoring import score_table
from wholesale.scoring.output import csv_header, to_csv

DOCUMENT = json.loads(json.dumps(description(load_predictor())))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
PREDICT = SCHEMA["/api/predict"]["POST"]
SESSION = requests.Session()  # one connection for all generated cases
FIRST = dict(zip(SPEND_COLUMNS, (12669, 9656, 7561, 214, 2674, 1338), strict=True))
JSON, CSV = {"Content-Type": "application/json"}, {"Content-Type": "text/csv"}
ELSEWHERE = {"Host": "elsewhere.example"}
CSV_ROWS = f"Name,{','.join(SPEND_COLUMNS)}\nA,1,2,3,4,5,6\n=B,7,8,9,10,11,12\nC,1,2,3,x,5,6\n".encode()
CHECKS = [checks.not_a_server_error, checks.status_code_conformance]
CHECKS += [checks.content_type_conformance, checks.response_schema_conformance]
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
SEND = settings(database=None, suppress_health_check=SLOW)


@pytest.fixture(scope="session")
def ask(address: str):
    """Send a request to the server."""

    def send(path: str, body: bytes | None = None, method: str = "", **headers: str) -> requests.Response:
        method = method or ("GET" if body is None else "POST")
        return requests.request(method, address + path.lstrip("/"), data=body, headers=headers, timeout=60)

    return send


def encoded(document: object) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


@pytest.fixture(scope="session")
def predict(ask):
    """Send a document, or bytes, to be predicted."""
    return lambda document, **headers: ask("/api/predict", encoded(document), **JSON | headers)


@pytest.fixture(scope="session")
def score(ask):
    """Send a file to be scored."""
    return lambda body, query="", **headers: ask(f"/api/score{query}", body, **CSV | headers)


def expected(predictor: Predictor, spend: dict) -> dict:
    prediction = asdict(predict_segment(predictor, spend))
    if math.isinf(prediction["clarity"]):
        prediction["clarity"] = None
    return json.loads(json.dumps(prediction | {"explanation": asdict(explain(predictor, spend))}))


@pytest.fixture(scope="session")
def faults(predictor: Predictor):
    """What is refused, without a server: the status, and the faults."""

    def refuse(body: object) -> tuple[int, list[dict]]:
        with pytest.raises(Refused) as refused:
            answer(predictor, encoded(body))
        return refused.value.status_code, refused.value.content["errors"]

    return refuse


def documented(response: dict, content: object) -> None:
    """Hold an answer against the description, by another library than schemathesis."""
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"] | {"components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(content)


def test_customers_are_answered_in_their_order_as_predict_segment_and_explain_answer(predict, predictor):
    rng = np.random.default_rng(3)
    rows = rng.lognormal(8, 2, (1000, 6)).round(2).tolist()
    spends = [dict(zip(SPEND_COLUMNS, row, strict=True)) for row in rows]
    assert predict(FIRST).json() == expected(predictor, FIRST)
    many = predict({"customers": spends}).json()
    assert many == {"customers": [expected(predictor, spend) for spend in spends]}


@pytest.mark.parametrize("amount", [0, 5e-324, 1e9, 1e300, 1e308, sys.float_info.max])
def test_extreme_amounts_get_an_answer_without_nan_or_infinity(predictor: Predictor, amount):
    spend = dict.fromkeys(SPEND_COLUMNS, amount)
    content = json.dumps(answer(predictor, encoded(spend)), allow_nan=False)
    assert json.loads(content) == expected(predictor, spend)


def test_a_customer_exactly_on_a_centre_has_the_clarity_null(predictor: Predictor, monkeypatch):
    at = predictor.centers["kmeans"][0]
    monkeypatch.setattr(type(predictor), "standardize", lambda _, rows: np.broadcast_to(at, rows.shape))
    assert math.isinf(predict_segment(predictor, FIRST).clarity)
    content = answer(predictor, encoded(FIRST))
    assert content["clarity"] is None and json.dumps(content, allow_nan=False)


def test_text_is_read_as_in_the_page(predictor: Predictor):
    text = FIRST | {"Fresh": "12 669", "Milk": " 9,656.00 ", "Grocery": "7.561,0", "Frozen": "214 EUR"}
    assert answer(predictor, encoded(text)) == answer(predictor, encoded(FIRST))


@pytest.mark.parametrize(
    "value", [-5, "-5", "abc", "", " ", "nan", "inf", "12.669", "12,669", "1_000", "١٢", True, False, None]
)
def test_a_refused_amount_gets_the_page_s_sentence(faults, value):
    with pytest.raises(ValueError) as sentence:
        parse_amount("Milk", value)
    status, (fault,) = faults(FIRST | {"Milk": value})
    assert (status, fault["field"], fault["reason"]) == (422, "Milk", str(sentence.value))
    assert fault["customer"] is None and fault["value"] in fault["reason"]


def test_a_fault_names_its_category_as_people_write_it_and_its_field_as_the_body_does(faults):
    _, (fault,) = faults(FIRST | {"Detergents_Paper": "x"})
    told = ("Detergents_Paper", "Detergents and Paper: x is not an amount ≥ 0")
    assert (fault["field"], fault["reason"]) == told


def test_all_faults_of_all_customers_are_listed(faults):
    missing = {column: 1 for column in SPEND_COLUMNS if column != "Frozen"}
    wrong = FIRST | {"Fresh": -1, "Milk": "x", "Cheese": 3, "Bread": 4}
    status, found = faults({"customers": [FIRST, missing, 7, wrong]})
    fourth = [(4, *its) for its in (("Cheese", "3"), ("Bread", "4"), ("Fresh", "-1"), ("Milk", "x"))]
    told = [tuple(fault.values())[:3] for fault in found]
    assert (status, told) == (422, [(2, "Frozen", None), (3, None, "7"), *fourth])


NO_JSON = [b"", b"Fresh=1", b"{", b'{"Milk": NaN}', b'{"Milk": -Infinity}', b'{"Milk": 1, "Milk": 1}']
NO_JSON += [b'{"Milk": "\xff"}', "{}".encode("utf-16"), b"[" * 200_000, b'{"a":' * 80_000]


@pytest.mark.parametrize("body", [*NO_JSON, gzip.compress(b"{}", mtime=0)], ids=lambda body: repr(body[:20]))
def test_a_body_that_is_not_json_is_refused_with_one_reason(faults, body):
    status, (fault,) = faults(body)
    assert status == 400 and fault["reason"].startswith("the body is not JSON: ")


@pytest.mark.parametrize(
    "value", ["9" * 10_000, "9" * 4_000, "-" + "9" * 10_000, "1e999", "[" * 900 + "]" * 900, '{"a": 1}']
)
def test_monstrous_values_are_refused_as_amounts_and_cut_short(faults, value):
    status, (fault,) = faults(json.dumps(FIRST).replace("9656", value).encode())
    assert (status, fault["field"]) == (422, "Milk")
    assert len(fault["value"]) <= 40 and len(fault["reason"]) < 100


def test_names_that_no_encoding_has_and_fields_beside_customers_are_refused(faults):
    status, found = faults(b'{"\\ud800": "\\ud800"}')
    assert status == 422 and json.dumps(found).encode() and "\\ud800" in found[0]["field"]
    status, (fault,) = faults({"customers": [FIRST], "Fresh": 1})
    assert (status, fault["field"]) == (422, "Fresh")


@pytest.mark.parametrize(
    "document", [None, 1, "Fresh", [], [FIRST], *({"customers": its} for its in ({}, [], None))], ids=str
)
def test_another_shape_is_refused_with_what_would_be_right(faults, document):
    status, (fault,) = faults(document)
    assert status == 422 and "object" in fault["reason"]


def test_each_documented_status_is_reached(ask, predict, score):
    other, many = {"Content-Type": "text/plain"}, {"customers": [FIRST] * 1001}
    reached = {
        "/api/predict": [predict(each) for each in (FIRST, b"{", many, {})],
        "/api/score": [score(each) for each in (CSV_ROWS, b"1" * (FILE_LIMIT + 1), b"", b"a,b,c,d,e,f\n1,2")],
    }
    for headers in (ELSEWHERE, other):
        reached["/api/predict"].append(predict(FIRST, **headers))
        reached["/api/score"].append(score(CSV_ROWS, **headers))
    for path in ("/api/segments", "/api/customers", "/api/health", "/api/metrics", "/api/openapi.json"):
        reached[path] = [ask(path), ask(path, **ELSEWHERE)]
    assert reached.keys() == DOCUMENT["paths"].keys()
    for path, replies in reached.items():
        ((operation),) = DOCUMENT["paths"][path].values()
        elsewhere = {"401", "429"}  # tests/test_app_door.py reaches them
        elsewhere |= {"503", "507"} & set(
            operation["responses"]
        )  # tests/test_app_server.py, test_app_slow.py
        assert {str(reply.status_code) for reply in replies} | elsewhere == set(operation["responses"])
        if path == "/api/metrics":
            assert replies.pop(0).headers["Content-Type"].startswith("text/plain; version=0.0.4")
        if path == "/api/customers":
            table = replies.pop(0)
            assert table.headers["Content-Type"].startswith("text/csv")
            assert table.text.splitlines()[1] == "1," + ",".join(f"{amount:g}" for amount in FIRST.values())
            assert score(table.content).json()["accepted"] == 440
        for reply in replies:
            assert reply.headers["Content-Type"] == "application/json"
            assert not {"Set-Cookie", "Access-Control-Allow-Origin"} & reply.headers.keys()
            assert reply.ok != ("errors" in reply.json())
            documented(operation["responses"][str(reply.status_code)], reply.json())


def test_another_address_or_method_is_refused_in_json(ask):
    paths = ("/api", "/api/", "/api/predict/", "/api/kernels", "/api/kernels/none")
    for reply in [ask(path, method=method) for path in paths for method in ("GET", "DELETE")]:
        assert reply.status_code == 404 and reply.json()["errors"]
    others = [ask("/api/health", method=method) for method in ("POST", "OPTIONS", "ODD")]
    for allowed, replies in (("POST", [ask("/api/predict")]), ("GET, HEAD", others)):
        for reply in replies:
            assert (reply.status_code, reply.headers["Allow"]) == (405, allowed)
            assert allowed.replace(", ", " and ") in reply.json()["errors"][0]["reason"]
    kernel = ask("/api/kernels/01234567-0123-0123-0123-0123456789ab")  # stays where Jupyter has it
    assert kernel.status_code == 404 and "Kernel does not exist" in kernel.json()["message"]


@pytest.mark.parametrize("size", [LIMIT + 1, Predict.read_at_most])
def test_a_body_that_is_too_large_is_read_to_its_end_so_that_the_reason_arrives(predict, size):
    reply = predict(b" " * size)
    assert reply.status_code == 413 and "1,000,000 bytes" in reply.json()["errors"][0]["reason"]


@pytest.mark.parametrize(
    ("length", "status"),
    [(Predict.read_at_most + 1, 413), (10**12, 413), (10**4000, 413)]
    + [(length, 400) for length in ("abc", "-1", "1e9", "٣")],
)
def test_a_length_that_is_none_or_far_too_large_is_refused_before_anything_is_sent(address, length, status):
    head = "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection(host_of(address), timeout=30) as connection:
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
        assert f" {status} ".encode() in connection.makefile("rb").readline()


def test_a_chunked_body_is_read_and_one_without_end_is_cut_off(address, predictor: Predictor):
    parts = [json.dumps(FIRST).encode()[i : i + 10] for i in range(0, 200, 10)]
    for body, status in ((parts, 200), ([b" " * 100_000] * 11, 413), ([b" " * 100_000] * 2000, 413)):
        with contextlib.closing(http.client.HTTPConnection(*host_of(address), timeout=30)) as connection:
            try:
                connection.request("POST", "/api/predict", iter(body), JSON, encode_chunked=True)
                reply = connection.getresponse()
            except ConnectionError:  # the server need not wait for the end
                assert len(body) == 2000
                continue
            assert reply.status == status
            content = json.loads(reply.read())
            assert status != 200 or content == expected(predictor, FIRST)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_what_is_compressed_is_refused_and_the_content_type_may_have_parameters(predict, score, kind):
    gzipped, packed = {"Content-Encoding": "gzip"}, gzip.compress(CSV_ROWS, mtime=0)
    assert predict(gzip.compress(json.dumps(FIRST).encode()), **gzipped).status_code == 415
    assert [score(packed, **gzipped).status_code, score(packed).status_code] == [415, 422]
    assert predict(FIRST, **{"Content-Type": kind}).status_code == 200


def test_segments_and_health_say_what_the_models_are(ask, predictor: Predictor):
    content = ask("/api/segments").json()
    assert content.keys() == MODELS.keys()
    for model, rows in content.items():
        assert tuple(row["name"] for row in rows) == predictor.names[model]
        assert [row["segment"] for row in rows] == list(range(1, predictor.n_segments + 1))
        assert [row["customers"] for row in rows] == predictor.sizes[model].tolist()
        typical = [[row["typical"][column] for column in SPEND_COLUMNS] for row in rows]
        assert typical == predictor.typical[model].tolist()
    about = {"customers": len(predictor.amounts), "segments": predictor.n_segments}
    health = {"status": "ok", "trained": predictor.manifest["trained"]} | about
    said = ask("/api/health").json()
    numbers = ("open_pages", "open_pages_at_most", "refused_messages", "refused_requests")
    pages = [said.pop(name) for name in numbers]
    assert said == health and pages[1] >= 8
    measured = dict(re.findall(r"^(\w+) ([\d.e+]+)$", ask("/api/metrics").text, re.MULTILINE))
    assert {f"wholesale_{name}" for name in (*about, *numbers)} < set(measured)
    assert float(measured["wholesale_customers"]) == 440
    assert 5e7 < float(measured["process_resident_memory_bytes"]) < 1e9


def test_only_a_query_of_more_than_a_thousand_arguments_gets_a_bare_400(score):
    few, many = (score(CSV_ROWS, f"?{'column=&' * (number - 1)}column=") for number in (1000, 1001))
    assert (few.status_code, many.status_code, many.content) == (422, 400, b"")
    assert "more than 1,000 query arguments, gets a bare 400" in DOCUMENT["info"]["description"]


def test_the_description_is_served_and_its_examples_are_true(ask, predictor: Predictor):
    assert ask("/api/openapi.json").json() == DOCUMENT
    operation = DOCUMENT["paths"]["/api/predict"]["post"]
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        assert answer(predictor, encoded(example["value"]))
    for response in (*operation["responses"].values(), *DOCUMENT["components"]["responses"].values()):
        for content in response.get("content", {}).values():
            for example in content.get("examples", {}).values():
                documented(response, example["value"])


def test_every_field_of_the_description_is_one_that_is_sent_or_taken():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            assert described.keys() & {"type", "anyOf", "$ref", "const"}, (name, field)
            assert field in schema["required"], (name, field)


@given(PREDICT.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
@settings(SEND, max_examples=700)
def test_what_the_description_forbids_gets_no_500_and_no_undocumented_answer(address, case):
    case.call_and_validate(base_url=address.rstrip("/"), session=SESSION, checks=CHECKS)


@given(PREDICT.as_strategy())
@settings(SEND, max_examples=300)
def test_what_the_description_allows_is_answered_as_it_says(address, case):
    reply = case.call_and_validate(base_url=address.rstrip("/"), session=SESSION, checks=CHECKS)
    assert reply.status_code == 200


@SCHEMA.parametrize()
@settings(SEND, max_examples=50)
def test_no_address_gives_a_500_or_an_undocumented_answer(case, address):
    case.call_and_validate(base_url=address.rstrip("/"), session=SESSION, checks=CHECKS)


def left_behind() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("wholesale_*/wholesale-upload-*"))


def many_rows(size: int) -> bytes:
    row = b"Somebody,1234,5678,910,1112,1314,1516\n"
    return f"Name,{','.join(SPEND_COLUMNS)}\n".encode() + row * (size // len(row) - 2)


def test_the_scored_rows_come_as_csv_as_score_table_gives_them(score, predictor: Predictor):
    reply = score(SHIPPED.read_bytes(), Accept="text/csv")
    table = score_table(predictor, read_customers(SHIPPED)[0])
    assert reply.content == csv_header(table.column_names) + to_csv(table)
    assert reply.headers["Content-Type"].startswith("text/csv")


def test_all_there_is_comes_as_a_form(score):
    reply = score(CSV_ROWS, Accept="multipart/form-data")
    head = f"Content-Type: {reply.headers['Content-Type']}\r\n\r\n".encode()
    parts = {
        part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True).decode()
        for part in email.message_from_bytes(head + reply.content, policy=email.policy.HTTP).get_payload()
    }
    assert parts.keys() == {"summary", "page", "lines", "scored", "rejected"}
    content, said, lines = score(CSV_ROWS).json(), json.loads(parts["summary"]), json.loads(parts["lines"])
    assert said == content and lines == [2, 3]
    assert (content["accepted"], content["rejected"]) == (2, 1)
    reason = "Frozen: x is not an amount ≥ 0"
    assert content["rejected_rows"] == [{"line": 4, "column": "Frozen", "value": "x", "reason": reason}]
    assert parts["scored"].encode() == score(CSV_ROWS, Accept="text/csv").content
    assert "'=B" in parts["scored"] and "C,1,2,3,x,5,6" in parts["rejected"]


def test_columns_and_decimal_sign_are_told_by_the_query(score):
    renamed = CSV_ROWS.replace(b"Fresh", b"fresh_products").replace(b"A,1,", b"A,1.234,")
    refused = score(renamed)
    assert (refused.status_code, refused.json()["columns"]["Fresh"]) == (422, "fresh_products")
    scored = score(renamed, "?column=Fresh=fresh_products&decimal=point", Accept="text/csv")
    assert b"A,1.234," in scored.content.replace(b'"', b"")
    assert score(renamed, "?colum=1").status_code == 422


FORM, TYPED = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"


@pytest.mark.parametrize("kind", ["text/plain", TYPED, FORM, "", "text/csv2", None])
def test_another_site_s_page_can_post_nothing(ask, kind):
    headers = {"Origin": "https://elsewhere.example"} | ({} if kind is None else {"Content-Type": kind})
    for path in ("/api/score", "/api/predict"):
        reply, asked = ask(path, CSV_ROWS, **headers), ask(path, method="OPTIONS", **headers)
        assert (reply.status_code, asked.status_code) == (415, 405)
        assert not [name for name in (*reply.headers, *asked.headers) if name.startswith("Access-Control")]


def test_a_file_at_the_limit_is_scored_while_others_are_answered_and_nothing_is_left_behind(ask, score):
    before = left_behind()
    files = [many_rows(FILE_LIMIT), many_rows(10**6), many_rows(10**6)]
    with ThreadPoolExecutor(3) as pool:
        replies = [pool.submit(score, file, Accept="text/csv") for file in files]
        wait_for(lambda: bool(left_behind() - before))
        answered = 0
        while not all(reply.done() for reply in replies):
            assert ask("/api/health").ok
            answered += 1
    assert answered > 10
    assert [reply.result().content.count(b"\n") for reply in replies] == [file.count(b"\n") for file in files]
    wait_for(lambda: left_behind() <= before)


@pytest.mark.parametrize("sent", [0.5, 1.0], ids=["while sending", "while scoring"])
def test_a_file_that_is_given_up_is_left_nowhere(address, sent):
    before, body = left_behind(), many_rows(FILE_LIMIT)
    head = f"POST /api/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
    head += "\r\nContent-Type: text/csv\r\n\r\n"
    with socket.create_connection(host_of(address), timeout=30) as connection:
        connection.sendall(head.encode() + body[: int(sent * len(body))])
        wait_for(lambda: bool(left_behind() - before))
    wait_for(lambda: left_behind() <= before)


def test_all_files_that_the_page_names_are_compressed_and_kept_for_good(ask):
    page = ask("/").text
    scripts = re.findall(r'<script[^>]* src="([^"]+)"', page)
    styles = re.findall(r'<link rel="stylesheet"[^>]* href="([^"]+)"', page)
    workers = re.findall(r'data-worker="([^"]+)"', page)
    assert (len(scripts), len(styles), len(workers)) == (5, 1, 1)
    for path in (*scripts, *styles, *workers):
        headers = ask(path, **{"Accept-Encoding": "gzip"}).headers
        assert (headers["Cache-Control"], headers["Content-Encoding"]) == (FOR_GOOD, "gzip")


def test_the_main_script_brings_every_shared_one_that_is_installed(ask):
    (path,) = re.findall(r'<script src="(/voila/static/[^"]+/voila.js)"', ask("/").text)
    chunks = re.findall(rb"push\(\[\[([\d,]+)\]", ask(path).content)
    numbers = " ".join((CHUNKS["voila"], *CHUNKS["extensions"].values())).split()
    new = "Voila or ipywidgets has changed: list anew"
    assert set(b",".join(chunks).decode().split(",")) >= set(numbers), new
