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
import urllib.error
import urllib.request
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
from servers import wait_for

from wholesale.amounts import parse_amount
from wholesale.app.server import upload
from wholesale.app.server.answers import LIMIT, Refused, answer
from wholesale.app.server.api import Predict
from wholesale.app.server.assets import CHUNKS, EXTENSION_CHUNKS, FOR_GOOD
from wholesale.app.server.openapi import document
from wholesale.columns import MODELS, SPEND_COLUMNS
from wholesale.explain import explain
from wholesale.manifest import SHIPPED
from wholesale.predict import Predictor, load_predictor, predict_segment
from wholesale.reading import read_customers
from wholesale.scoring import score_table
from wholesale.scoring.output import csv_header, to_csv

DOCUMENT = json.loads(json.dumps(document()))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
PREDICT = SCHEMA["/api/predict"]["POST"]
SESSION = requests.Session()  # one connection for all generated cases
FIRST = dict(zip(SPEND_COLUMNS, (12669, 9656, 7561, 214, 2674, 1338), strict=True))
JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}
CSV_ROWS = f"Name,{','.join(SPEND_COLUMNS)}\nA,1,2,3,4,5,6\n=B,7,8,9,10,11,12\nC,1,2,3,x,5,6\n"
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
SEND = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.fixture(scope="session")
def served(address: str) -> str:
    """The server's address, to put a path behind."""
    return address.removesuffix("/")


def ask(
    url: str, body: bytes | None = None, method: str | None = None, headers: dict[str, str] = JSON
) -> tuple[int, dict, dict]:
    """Send a request; give its status, its headers and its JSON."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, dict(reply.headers), json.loads(reply.read())
    except urllib.error.HTTPError as reply:
        return reply.code, dict(reply.headers), json.loads(reply.read())


def post(served: str, document: object) -> tuple[int, dict]:
    status, _, content = ask(f"{served}/api/predict", json.dumps(document).encode())
    return status, content


def expected(predictor: Predictor, spend: dict) -> dict:
    prediction = asdict(predict_segment(predictor, spend))
    if math.isinf(prediction["clarity"]):
        prediction["clarity"] = None
    return json.loads(json.dumps(prediction | {"explanation": asdict(explain(predictor, spend))}))


def faults(body: bytes | dict) -> tuple[int, list[dict]]:
    """What is refused, without a server."""
    with pytest.raises(Refused) as refused:
        answer(load_predictor(), body if isinstance(body, bytes) else json.dumps(body).encode())
    return refused.value.status, asdict(refused.value.content)["errors"]


def test_one_customer_is_answered_as_predict_segment_and_explain_answer(served, predictor: Predictor):
    assert post(served, FIRST) == (200, expected(predictor, FIRST))


def test_a_thousand_customers_are_answered_at_once_in_their_order(served, predictor: Predictor):
    rng = np.random.default_rng(3)
    spends = [
        dict(zip(SPEND_COLUMNS, row, strict=True)) for row in rng.lognormal(8, 2, (1000, 6)).round(2).tolist()
    ]
    status, content = post(served, {"customers": spends})
    assert status == 200
    assert content == {"customers": [expected(predictor, spend) for spend in spends]}


@pytest.mark.parametrize("amount", [0, 5e-324, 1e9, 1e300, sys.float_info.max])
def test_extreme_amounts_get_an_answer_without_nan_or_infinity(predictor: Predictor, amount):
    content = answer(predictor, json.dumps(dict.fromkeys(SPEND_COLUMNS, amount)).encode())
    assert json.loads(json.dumps(content, allow_nan=False)) == expected(
        predictor, dict.fromkeys(SPEND_COLUMNS, amount)
    )


def test_a_customer_exactly_on_a_centre_has_the_clarity_null(predictor: Predictor, monkeypatch):
    at = predictor.centers["kmeans"][0]
    monkeypatch.setattr(
        type(predictor), "standardize", lambda self, amounts: np.broadcast_to(at, amounts.shape)
    )
    assert math.isinf(predict_segment(predictor, FIRST).clarity)
    content = answer(predictor, json.dumps(FIRST).encode())
    assert content["clarity"] is None
    json.dumps(content, allow_nan=False)


def test_text_is_read_as_in_the_page(predictor: Predictor):
    text = FIRST | {"Fresh": "12 669", "Milk": " 9,656.00 ", "Grocery": "7.561,0", "Frozen": "214 EUR"}
    assert answer(predictor, json.dumps(text).encode()) == answer(predictor, json.dumps(FIRST).encode())


@pytest.mark.parametrize(
    "value", [-5, "-5", "abc", "", " ", "nan", "inf", "12.669", "12,669", "1_000", "١٢", True, False, None]
)
def test_a_refused_amount_gets_the_page_s_sentence(value):
    with pytest.raises(ValueError) as sentence:
        parse_amount("Milk", value)
    status, (fault,) = faults(FIRST | {"Milk": value})
    assert (status, fault["field"], fault["reason"]) == (422, "Milk", str(sentence.value))
    assert fault["customer"] is None
    assert fault["value"] in fault["reason"]


def test_a_fault_names_its_category_as_people_write_it_and_its_field_as_the_body_does():
    _, (fault,) = faults(FIRST | {"Detergents_Paper": "x"})
    assert fault["field"] == "Detergents_Paper"
    assert fault["reason"] == "Detergents and Paper: x is not an amount ≥ 0"


def test_two_enormous_amounts_get_an_answer(predictor: Predictor):
    content = answer(predictor, json.dumps(FIRST | {"Fresh": 1e308, "Milk": 1e308}).encode())
    json.dumps(content, allow_nan=False)


def test_all_faults_of_all_customers_are_listed():
    missing = {column: 1 for column in SPEND_COLUMNS if column != "Frozen"}
    wrong = FIRST | {"Fresh": -1, "Milk": "x", "Cheese": 3}
    status, found = faults({"customers": [FIRST, missing, 7, wrong]})
    assert status == 422
    assert [(fault["customer"], fault["field"], fault["value"]) for fault in found] == [
        (2, "Frozen", None),
        (3, None, "7"),
        (4, "Cheese", "3"),
        (4, "Fresh", "-1"),
        (4, "Milk", "x"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Fresh=1",
        b"{",
        b'{"Milk": NaN}',
        b'{"Milk": -Infinity}',
        b'{"Milk": 1, "Milk": 1}',
        b'{"Milk": "\xff"}',
        "{}".encode("utf-16"),
        b"[" * 200_000,
        b'{"a":' * 100_000,
        gzip.compress(b"{}"),
    ],
    ids=repr,
)
def test_a_body_that_is_not_json_is_refused_with_one_reason(body):
    status, found = faults(body[:400_000])
    assert status == 400
    assert len(found) == 1
    assert found[0]["reason"].startswith("the body is not JSON: ")


@pytest.mark.parametrize(
    "value", ["9" * 10_000, "9" * 4_000, "-" + "9" * 10_000, "1e999", "[" * 900 + "]" * 900, '{"a": 1}']
)
def test_monstrous_values_are_refused_as_amounts_and_cut_short(value):
    status, (fault,) = faults(json.dumps(FIRST).replace("9656", value).encode())
    assert (status, fault["field"]) == (422, "Milk")
    assert len(fault["value"]) <= 40
    assert len(fault["reason"]) < 100


def test_names_that_no_encoding_has_are_refused_in_ascii():
    status, found = faults(b'{"\\ud800": "\\ud800"}')
    assert status == 422
    json.dumps(found).encode()
    assert "\\ud800" in found[0]["field"]


@pytest.mark.parametrize(
    "document", [None, 1, "Fresh", [], [FIRST], {"customers": {}}, {"customers": []}, {"customers": None}]
)
def test_another_shape_is_refused_with_what_would_be_right(document):
    status, (fault,) = faults(json.dumps(document).encode())
    assert status == 422
    assert "object" in fault["reason"]


def test_fields_beside_customers_are_refused():
    status, (fault,) = faults({"customers": [FIRST], "Fresh": 1})
    assert (status, fault["field"]) == (422, "Fresh")


def documented(response: dict, content: object) -> None:
    """Hold an answer against the description, by another library than schemathesis."""
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"] | {"components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(content)


def test_each_documented_status_is_reached(served):
    good, elsewhere = json.dumps(FIRST).encode(), {**JSON, "Host": "elsewhere.example"}
    many = json.dumps({"customers": [FIRST] * 1001}).encode()
    url = f"{served}/api/predict"
    reached = {
        "/api/predict": [
            ask(url, good),
            ask(url, b"{"),
            ask(url, good, headers=elsewhere),
            ask(url, many),
            ask(url, good, headers={"Content-Type": "text/plain"}),
            ask(url, b"{}"),
        ]
    }
    file, rows = f"{served}/api/score", CSV_ROWS.encode()
    reached["/api/score"] = [
        ask(file, rows, headers=CSV),
        ask(file, rows, headers={**CSV, "Host": "elsewhere.example"}),
        ask(file, b"1" * (upload.LIMIT + 1), headers=CSV),
        ask(file, rows, headers={"Content-Type": "text/plain"}),
        ask(file, b"", headers=CSV),
        ask(file, b"a,b,c,d,e,f\n1,2,3,4,5,6\n", headers=CSV),
    ]
    for path in ("/api/segments", "/api/health", "/api/openapi.json"):
        reached[path] = [ask(served + path), ask(served + path, headers=elsewhere)]
    for path, answers in reached.items():
        ((operation),) = DOCUMENT["paths"][path].values()
        assert {str(status) for status, *_ in answers} == set(operation["responses"])
        for status, headers, content in answers:
            assert headers["Content-Type"] == "application/json"
            assert "Set-Cookie" not in headers
            assert "Access-Control-Allow-Origin" not in headers
            assert (status == 200) != ("errors" in content)
            documented(operation["responses"][str(status)], content)
    assert reached.keys() == DOCUMENT["paths"].keys()


def test_another_address_or_method_is_refused_in_json(served):
    for path in ("/api", "/api/", "/api/predict/", "/api/kernels", "/api/kernels/none"):
        for method in ("GET", "DELETE"):
            status, _, content = ask(served + path, method=method)
            assert status == 404
            assert content["errors"]
    status, headers, content = ask(f"{served}/api/predict", method="GET")
    assert (status, headers["Allow"]) == (405, "POST")
    assert "POST" in content["errors"][0]["reason"]
    for method in ("POST", "OPTIONS", "ODD"):
        status, headers, _ = ask(f"{served}/api/health", method=method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_the_kernels_of_the_page_stay_where_jupyter_has_them(served):
    status, _, content = ask(f"{served}/api/kernels/01234567-0123-0123-0123-0123456789ab")
    assert status == 404
    assert "Kernel does not exist" in content["message"]


@pytest.mark.parametrize("size", [LIMIT + 1, Predict.read_at_most])
def test_a_body_that_is_too_large_is_read_to_its_end_so_that_the_reason_arrives(served, size):
    status, _, content = ask(f"{served}/api/predict", b" " * size)
    assert status == 413
    assert "1,000,000 bytes" in content["errors"][0]["reason"]


@pytest.mark.parametrize("size", [Predict.read_at_most + 1, 10**12, 10**4000])
def test_a_body_that_says_it_is_far_too_large_is_refused_before_it_is_sent(served, size):
    assert b" 413 " in raw(served, f"Content-Length: {size}")


@pytest.mark.parametrize("length", ["abc", "-1", "1e9", "٣"])
def test_a_length_that_is_none_is_refused(served, length):
    assert b" 400 " in raw(served, f"Content-Length: {length}")


def raw(served: str, header: str) -> bytes:
    """Send the head of a request only; give the first line of the answer."""
    host, port = served.removeprefix("http://").split(":")
    head = (
        f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{header}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.encode())
        return connection.makefile("rb").readline()


def test_a_chunked_body_is_read_and_one_without_end_is_cut_off(served, predictor: Predictor):
    host = served.removeprefix("http://")
    parts = [json.dumps(FIRST).encode()[i : i + 10] for i in range(0, 200, 10)]
    for body, status in ((parts, 200), ([b" " * 100_000] * 11, 413), ([b" " * 100_000] * 2000, 413)):
        connection = http.client.HTTPConnection(host, timeout=30)
        with contextlib.closing(connection):
            try:
                connection.request("POST", "/api/predict", iter(body), JSON, encode_chunked=True)
                reply = connection.getresponse()
            except ConnectionError:  # the server need not wait for the end
                assert len(body) == 2000
                continue
            assert reply.status == status
            content = json.loads(reply.read())
            assert status != 200 or content == expected(predictor, FIRST)


def test_a_compressed_body_is_refused_as_such(served):
    body, headers = gzip.compress(json.dumps(FIRST).encode()), {**JSON, "Content-Encoding": "gzip"}
    assert ask(f"{served}/api/predict", body, headers=headers)[0] == 415


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_content_type_may_have_parameters_and_capitals(served, kind):
    body = json.dumps(FIRST).encode()
    assert ask(f"{served}/api/predict", body, headers={"Content-Type": kind})[0] == 200


def test_segments_and_health_say_what_the_models_are(served, predictor: Predictor):
    _, _, content = ask(f"{served}/api/segments")
    assert content.keys() == MODELS.keys()
    for model, rows in content.items():
        assert tuple(row["name"] for row in rows) == predictor.names[model]
        assert [row["segment"] for row in rows] == list(range(1, predictor.n_segments + 1))
        assert [row["customers"] for row in rows] == predictor.sizes[model].tolist()
        typical = [[row["typical"][column] for column in SPEND_COLUMNS] for row in rows]
        assert typical == predictor.typical[model].tolist()
    assert ask(f"{served}/api/health")[2] == {
        "status": "ok",
        "trained": predictor.manifest["trained"],
        "customers": len(predictor.amounts),
        "segments": predictor.n_segments,
    }


def test_the_description_is_served_and_its_examples_are_true(served, predictor: Predictor):
    assert ask(f"{served}/api/openapi.json")[2] == DOCUMENT
    operation = DOCUMENT["paths"]["/api/predict"]["post"]
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        assert answer(predictor, json.dumps(example["value"]).encode())
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
def test_what_the_description_forbids_gets_no_500_and_no_undocumented_answer(served, case):
    case.call_and_validate(base_url=served, session=SESSION, checks=CHECKS)


@given(PREDICT.as_strategy())
@settings(SEND, max_examples=300)
def test_what_the_description_allows_is_answered_as_it_says(served, case):
    response = case.call_and_validate(base_url=served, session=SESSION, checks=CHECKS)
    assert response.status_code == 200


@SCHEMA.parametrize()
@settings(SEND, max_examples=50)
def test_no_address_gives_a_500_or_an_undocumented_answer(case, served):
    case.call_and_validate(base_url=served, session=SESSION, checks=CHECKS)


def send_file(served: str, body: bytes, query: str = "", **headers: str) -> requests.Response:
    return requests.post(f"{served}/api/score{query}", body, headers=CSV | headers, timeout=60)


def left_behind() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("wholesale-upload-*"))


def many_rows(size: int) -> bytes:
    row = b"Somebody,1234,5678,910,1112,1314,1516\n"
    return f"Name,{','.join(SPEND_COLUMNS)}\n".encode() + row * (size // len(row) - 2)


def test_a_file_is_scored_and_its_rejected_rows_are_named(served):
    content = send_file(served, CSV_ROWS.encode()).json()
    assert (content["accepted"], content["rejected"]) == (2, 1)
    (row,) = content["rejected_rows"]
    assert row == {"line": 4, "column": "Frozen", "value": "x", "reason": "Frozen: x is not an amount ≥ 0"}


def test_the_scored_rows_come_as_csv_as_score_table_gives_them(served, predictor: Predictor):
    reply = send_file(served, SHIPPED.read_bytes(), Accept="text/csv")
    table = score_table(predictor, read_customers(SHIPPED)[0])
    assert reply.content == csv_header(table.column_names) + to_csv(table)
    assert reply.headers["Content-Type"].startswith("text/csv")


def test_all_there_is_comes_as_a_form(served):
    reply = send_file(served, CSV_ROWS.encode(), Accept="multipart/form-data")
    head = f"Content-Type: {reply.headers['Content-Type']}\r\n\r\n".encode()
    parts = {
        part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True).decode()
        for part in email.message_from_bytes(head + reply.content, policy=email.policy.HTTP).get_payload()
    }
    assert parts.keys() == {"summary", "page", "lines", "scored", "rejected"}
    assert json.loads(parts["lines"]) == [2, 3]
    assert json.loads(parts["summary"]) == send_file(served, CSV_ROWS.encode()).json()
    assert parts["scored"].encode() == send_file(served, CSV_ROWS.encode(), Accept="text/csv").content
    assert "'=B" in parts["scored"] and "C,1,2,3,x,5,6" in parts["rejected"]


def test_columns_and_decimal_sign_are_told_by_the_query(served):
    renamed = CSV_ROWS.replace("Fresh", "fresh_products").replace("A,1,", "A,1.234,").encode()
    refused = send_file(served, renamed)
    assert (refused.status_code, refused.json()["columns"]["Fresh"]) == (422, "fresh_products")
    query = "?column=Fresh=fresh_products&decimal=point"
    scored = send_file(served, renamed, query, Accept="text/csv")
    assert b"A,1.234," in scored.content.replace(b'"', b"")
    assert send_file(served, renamed, "?colum=1").status_code == 422


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "",
        "text/csv2",
        None,
    ],
)
def test_another_site_s_page_can_post_nothing(served, kind):
    headers = {"Origin": "https://elsewhere.example"} | ({} if kind is None else {"Content-Type": kind})
    for path in ("/api/score", "/api/predict"):
        reply = requests.post(served + path, CSV_ROWS.encode(), headers=headers, timeout=60)
        assert reply.status_code == 415
        asked = requests.options(served + path, headers=headers, timeout=60)
        assert asked.status_code == 405
        assert not [name for name in (*reply.headers, *asked.headers) if name.startswith("Access-Control")]


def test_a_compressed_file_is_refused_whichever_way_it_is_called(served):
    packed = gzip.compress(CSV_ROWS.encode())
    assert send_file(served, packed, **{"Content-Encoding": "gzip"}).status_code == 415
    assert send_file(served, packed).status_code == 422


def test_a_file_at_the_limit_is_scored_while_others_are_answered_and_nothing_is_left_behind(served):
    before = left_behind()
    files = [many_rows(upload.LIMIT), many_rows(10**6), many_rows(10**6)]
    with ThreadPoolExecutor(3) as pool:
        replies = [pool.submit(send_file, served, file, Accept="text/csv") for file in files]
        wait_for(lambda: bool(left_behind() - before))
        answered = 0
        while not all(reply.done() for reply in replies):
            assert ask(f"{served}/api/health")[0] == 200
            answered += 1
    assert answered > 10
    assert [reply.result().content.count(b"\n") for reply in replies] == [file.count(b"\n") for file in files]
    wait_for(lambda: left_behind() <= before)


@pytest.mark.parametrize("sent", [0.5, 1.0], ids=["while sending", "while scoring"])
def test_a_file_that_is_given_up_is_left_nowhere(served, sent):
    before, body = left_behind(), many_rows(upload.LIMIT)
    host, port = served.removeprefix("http://").split(":")
    head = f"POST /api/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
    head += "\r\nContent-Type: text/csv"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode() + body[: int(sent * len(body))])
        wait_for(lambda: bool(left_behind() - before))
    wait_for(lambda: left_behind() <= before)


def page_of(served: str) -> tuple[str, http.client.HTTPMessage]:
    with urllib.request.urlopen(f"{served}/", timeout=60) as reply:
        return reply.read().decode(), reply.headers


def test_all_files_that_the_page_names_are_compressed_and_kept_for_good(served):
    page, _ = page_of(served)
    scripts = re.findall(r'<script[^>]* src="([^"]+)"', page)
    styles = re.findall(r'<link rel="stylesheet"[^>]* href="([^"]+)"', page)
    workers = re.findall(r'data-worker="([^"]+)"', page)
    assert (len(scripts), len(styles), len(workers)) == (3, 1, 1)
    for path in (*scripts, *styles, *workers):
        request = urllib.request.Request(served + path, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            assert reply.headers["Cache-Control"] == FOR_GOOD
            assert reply.headers["Content-Encoding"] == "gzip"


def test_the_main_script_brings_every_shared_one_that_is_installed(served):
    page, _ = page_of(served)
    (path,) = re.findall(r'<script src="(/voila/static/[^"]+/voila.js)"', page)
    with urllib.request.urlopen(served + path, timeout=60) as reply:
        script = reply.read()
    chunks = re.findall(rb"push\(\[\[([\d,]+)\]", script)
    numbers = " ".join((CHUNKS, *EXTENSION_CHUNKS.values())).split()
    assert set(b",".join(chunks).decode().split(",")) >= set(numbers), (
        "Voila or ipywidgets has changed: list anew"
    )


def test_the_page_too_answers_only_to_names_of_this_machine(served):
    request = urllib.request.Request(f"{served}/", headers={"Host": "elsewhere.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    assert refused.value.code == 403


@pytest.mark.parametrize("path", ["nothing", "voila/files/secret", "voila/templates/lab/static/voila.js"])
def test_an_unknown_address_gets_the_page_s_own_404(served, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{served}/{path}", timeout=60)
    assert refused.value.code == 404
    assert b"There is no such page here." in refused.value.read()
