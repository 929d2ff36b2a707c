# SPDX-License-Identifier: Apache-2.0
"""Metrics by HTTPS for those alone whom the API server lets read, with exactly the rights of the manifests."""
import base64
import collections
import time

from testbed import CLUSTER, ROOT, get, kubectl, run, wait_until

PORT = 8080
NS = "sparkfit"
NAME = f"sparkfit-metrics.{NS}.svc"
RIGHTS = ROOT / "manifests/rbac-secure-metrics.yaml"


def token(account):
    return kubectl("create", "token", "-n", NS, account).strip()


def asked(bed, path="/metrics", token=None, server=f"https://{NAME}:{PORT}"):
    """The status, from a server whose certificate is good; 0: there is no answer."""
    who = ["-H", f"Authorization: Bearer {token}"] if token else []
    return int(run(CLUSTER, "exec", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", bed.directory / "ca.crt",
                   "--resolve", f"{NAME}:{PORT}:127.0.0.1", *who, server + path, check=False))


def reviews(bed):
    """How many tokens were shown to the API server."""
    metrics = run(CLUSTER, "exec", "curl", "-skf", "-H", f"Authorization: Bearer {bed.prometheus_token}", f"https://127.0.0.1:{PORT}/metrics")
    return sum(float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines()
               if line.startswith("sparkfit_api_requests_total{") and 'resource="tokenreviews"' in line)


def test_it_is_ready_with_its_rights_and_has_a_certificate(bed):
    kubectl("delete", "secret", "-n", NS, "sparkfit-webhook-ca", "--ignore-not-found")
    kubectl("apply", "-f", RIGHTS)
    for account in ("reader", "stranger"):
        kubectl("create", "serviceaccount", "-n", NS, account, check=False)
    kubectl("create", "clusterrolebinding", "reader", "--clusterrole=sparkfit-metrics-reader", f"--serviceaccount={NS}:reader", check=False)
    bed.https.add(PORT)
    bed.controller("controller", PORT, "--metrics-secure", "true")
    bundle = wait_until("the authorities are there", lambda: get("secret", "-n", NS, "sparkfit-webhook-ca")["data"].get("ca-bundle.crt"), 30)[0]
    (bed.directory / "ca.crt").write_bytes(base64.b64decode(bundle))
    bed.prometheus_token = token("reader")
    who = f"--as=system:serviceaccount:{NS}:sparkfit"
    for verb, what in (("get", "secrets/another"), ("list", "secrets"), ("list", "tokenreviews"), ("patch", "mutatingwebhookconfigurations")):
        assert kubectl("auth", "can-i", verb, what, who, "-n", NS, check=False).strip() == "no", f"it may {verb} {what}"


def test_who_may_read(bed):
    wait_until("a certificate that the authorities signed", lambda: asked(bed, "/readyz") == 200, 30)
    stranger = token("stranger")
    for path, who, status in (("/readyz", None, 200), ("/livez", "made-up", 200), ("/metrics", None, 401), ("/metrics", "made-up", 401),
                              ("/metrics", stranger, 403), ("/metrics", bed.prometheus_token, 200), ("/recommendations", stranger, 403),
                              ("/recommendations", bed.prometheus_token, 200), ("/elsewhere", None, 401)):
        assert asked(bed, path, who) == status, (path, status)
    # A token for somebody else than the API server is none here.
    other = kubectl("create", "token", "-n", NS, "reader", "--audience", "somebody-else").strip()
    assert asked(bed, token=other) == 401
    assert asked(bed, server=f"http://{NAME}:{PORT}") == 0


def test_prometheus_scrapes_with_a_token(bed):
    secret = bed.directory / "token"
    secret.write_text(bed.prometheus_token)
    bed.prometheus([{"job_name": "sparkfit", "scheme": "https", "authorization": {"credentials_file": str(secret)},
                     "tls_config": {"ca_file": str(bed.directory / "ca.crt"), "server_name": NAME},
                     "static_configs": [{"targets": [f"127.0.0.1:{PORT}"]}]}])
    wait_until("it has our metrics", lambda: bed.query("sparkfit_leader == 1"), 30)


def test_a_flood_of_made_up_tokens(bed):
    """From Prometheus' own address."""
    before, begun = reviews(bed), time.monotonic()
    said = run(CLUSTER, "exec", "bash", "-c", f"for i in $(seq 400); do curl -sk -o /dev/null -w '%{{http_code}}\\n' "
               f"-H \"Authorization: Bearer made-up-$i\" https://127.0.0.1:{PORT}/metrics; done").split()
    took = time.monotonic() - begun
    statuses = collections.Counter(said)
    assert set(statuses) == {"401", "429"}, statuses
    made = reviews(bed) - before
    # Eighteen in ten seconds at most, and Prometheus' own, of two paths and a minute each.
    assert made <= 18 * (took / 10 + 1) + 4, made
    assert asked(bed, token=bed.prometheus_token) == 200
    assert bed.query("min_over_time(up{job='sparkfit'}[1m])")[0]["value"][1] == "1"
    return f"{len(said)} in {took:.0f} s: {dict(statuses)}, {made:.0f} reviews"


def test_while_the_api_server_is_gone_verdicts_hold(bed):
    fresh, other = token("reader"), token("stranger")  # each was never shown
    # From the address of the flood new tokens are refused for ten seconds.
    wait_until("the flood is over", lambda: asked(bed, token=fresh) == 200, 20, pause=1)
    run(CLUSTER, "pause", "kube-apiserver")
    try:
        assert asked(bed, token=fresh) == 200
        begun = time.monotonic()
        assert asked(bed, token=other) == 503
        took = time.monotonic() - begun
        assert took < 10, took
        assert asked(bed, "/livez") == 200
        wait_until("the verdict is over", lambda: asked(bed, token=fresh) == 503, 90, pause=5)
    finally:
        run(CLUSTER, "resume", "kube-apiserver")
    wait_until("the API is back", lambda: "ok" in kubectl("get", "--raw", "/readyz", check=False), 60)
    wait_until("it is read again", lambda: asked(bed, token=fresh) == 200, 30)
    return f"503 after {took:.1f} s"


def test_a_right_that_is_taken_away_counts_for_a_minute_at_most(bed):
    kubectl("delete", "clusterrolebinding", "reader")
    _, took = wait_until("it is refused", lambda: asked(bed, token=bed.prometheus_token) == 403, 75, pause=2)
    return f"after {took:.0f} s"


def test_without_the_right_to_ask_nobody_reads_and_the_log_says_so(bed):
    kubectl("delete", "clusterrolebinding", "sparkfit-reviews")
    assert wait_until("it cannot ask", lambda: asked(bed, token=token("reader")) == 503, 30)
    log = bed.started[0].path.read_text()
    assert "does not say who may read metrics" in log and "tokenreviews" in log
    assert bed.prometheus_token not in log and "made-up" not in log
    kubectl("delete", "-f", RIGHTS, "--ignore-not-found")
    kubectl("delete", "serviceaccounts", "-n", NS, "reader", "stranger")
