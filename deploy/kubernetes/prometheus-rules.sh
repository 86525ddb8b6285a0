#!/usr/bin/env bash
# Print the rules of deploy/prometheus/rules as PrometheusRule objects for the Prometheus operator:
#   deploy/kubernetes/prometheus-rules.sh | kubectl apply -n seqserve -f -
# kustomize cannot insert the text of a file into an object, and a second copy of the rules would become stale.
set -euo pipefail
cd "$(dirname "$0")/../prometheus/rules"
for file in *.yml; do
  cat <<HEAD
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: seqserve-${file%.yml}
  labels:
    app.kubernetes.io/name: seqserve
spec:
HEAD
  sed -e 's/^./  &/' "$file"
done
