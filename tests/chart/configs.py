# SPDX-License-Identifier: Apache-2.0
"""Values of `config`, as YAML scalars, that both the chart's schema and the controller refuse (WRONG) or both take (RIGHT)."""

DURATIONS = ("applicationIdle", "lateSamples", "retention", "usageInterval", "webhookAuthorityLifetime", "webhookCertificateLifetime")
BOOLEANS = ("coverPeaks", "kubeletInsecure", "leaderElect", "shrinkOnly")

WRONG = {
    "policy": ["adaptve", "Adaptive", "''", "max:", "percentile:percentile=90", "percentile:percentile=1.1", "percentile:risk=safe",
               "adaptive:margin=0.2", "adaptive:risk=save", "adaptive:risk=1001", "max:margin=11", "max:margin", "max:oomBump=0.9",
               "max:oomBumpMin=100m", "max:oomBumpMin=5Ki", "max:oomBumpMin=1..2Gi", "max:oomBumpMin=5K", "max:halfLife=30s", "max:halfLife=1y",
               "max:oomBump=1,oomBumpMin=0", "max:oomBump=1.00,oomBumpMin=15Mi", "max,margin=1", "max:margin=0.1,"],
    "maxMemory": ["4096m", "4096", "63Mi", "64M", "67000000", "65000Ki", "64g", "64GB", "0.01Gi", "1..5Gi", "1.2.3e9", "0.1e8", "-4Gi", "0",
                  "5000Ti", "lots", "''"],
    "step": ["50%", "-0.1", "10.1", "50", "half", "''"],
    "escalation": ["0.9", "10.1", "150%", "twice", "''"],
    "maxKeys": ["0", "10000001", "1.5", "-1", "many", "''"],
    "maxKeysPerNamespace": ["0", "1000001", "1.5", "2k", "''"],
    "queriesPerSecond": ["0", "0.5", "10001", "fast", "''"],
    "derivedSignatures": ["airflw", "team", "'{team'", "'team}'", "'{}'", "'{{team}}'", "'airflow,,{team}'"],
    "usageSource": ["prometheus", "Kubelet", "kubelets", "''"],
    "driverMetrics": ["optin", "all", "'yes'", "1", "''"],
    "logLevel": ["warn", "INFO", "trace", "''"],
    "logFormat": ["yaml", "JSON", "''"],
    **{key: ["soon", "10", "1.2.3s", "1h 30m", "1w", "-1h", "99999d", "10M", "''"] for key in DURATIONS},
    **{key: ["'yes'", "'on'", "1", "'True '", "''"] for key in BOOLEANS},
}

RIGHT = {
    "policy": ["percentile", "adaptive", "max", "request", "adaptive:risk=safe", "adaptive:risk=0.7,oomBump=2", "percentile:percentile=0.95,margin=.2",
               "max:oomBump=1,oomBumpMin=16Mi", "max:oomBump=1.2,oomBumpMin=0", "max:oomBumpMin=1.5Gi", "max:oomBumpMin=1048576",
               "max:halfLife=24h", "max:halfLife=60s", "max:halfLife=1h30m", "max:halfLife=0.5h", "request:oomBump=10"],
    "maxMemory": ["none", "64Mi", "48Gi", "1.5Ti", "0.5Gi", "68M", "67108864", "65536Ki", "1e9", "4294967296"],
    "step": ["0", "0.5", ".5", "10", "'10.0'"],
    "escalation": ["1", "1.5", "10"],
    "maxKeys": ["1", "20000", "10000000", "'500'"],
    "maxKeysPerNamespace": ["1", "2000", "1000000"],
    "queriesPerSecond": ["1", "50", "12.5", "10000"],
    "derivedSignatures": ["''", "airflow", "scheduled-app-name, airflow", "'{team}-{app.kubernetes.io/name}'", "'airflow,'"],
    "usageSource": ["metrics-server", "kubelet"],
    "kubeletCertificateAuthority": ["''", "/etc/kubelet-ca/ca.crt"],
    "driverMetrics": ["'off'", "optIn", "observed", "true", "false"],
    "logLevel": ["debug", "info", "warning", "error"],
    "logFormat": ["text", "json"],
    **{key: ["90s", "1h30m", "1.5h", "500ms", "2160h", "90d"] for key in DURATIONS},
    **{key: ["true", "false", "'true'"] for key in BOOLEANS},
}
