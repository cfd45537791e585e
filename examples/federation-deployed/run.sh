#!/bin/sh
# A federation of two sites on this machine: certificates, keys, a SuperLink, two sites and their server.
# sh run.sh FOLDER: a folder that is made here; CONCOURS_DATA is where the data sets lie.
set -eu
here=$(cd "$(dirname "$0")" && pwd) folder=${1:?a folder to work in} port=${PORT:-8000}
mkdir -p "$folder/keys" && cd "$folder"
export FLWR_TELEMETRY_ENABLED=0 FLWR_DISABLE_UPDATE_CHECK=1

# Rows of three owners: the server's, which judge, and those of two halls.
cp "$here/failures.toml" .
python - "${CONCOURS_DATA:-../shared/data}/machine-failure/mpmc.csv.gz" <<'PYTHON'
import sys
import pandas as pd

rows = pd.read_csv(sys.argv[1]).sample(frac=1, random_state=0)
for name, part in {"hall": rows[:2000], "north": rows[2000:6000], "south": rows[6000:]}.items():
    part.to_csv(f"{name}.csv", index=False)
PYTHON

# An authority, and a certificate of this machine that it has signed.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=authority" \
    -keyout ca.key -out ca.crt 2> openssl.log
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" -keyout server.key -out server.csr 2>> openssl.log
printf 'subjectAltName = DNS:localhost, IP:127.0.0.1\n' > names.txt
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile names.txt -out server.crt 2>> openssl.log
for site in north south; do
    test -f "keys/$site" || ssh-keygen -q -t ecdsa -b 384 -N '' -f "keys/$site"
done

flower-superlink --isolation process --enable-supernode-auth --host 127.0.0.1 --port "$port" \
    --ssl-ca-certfile ca.crt --ssl-certfile server.crt --ssl-keyfile server.key > superlink.log 2>&1 &
started=$!
trap 'kill $started 2> /dev/null' EXIT
until python -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2> /dev/null; do sleep 1; done

for site in north south; do
    concours site --superlink "127.0.0.1:$port" --data "$site.csv" --key "keys/$site" --root-certificates ca.crt > "$site.log" 2>&1 &
    started="$started $!"
done
concours federate failures.toml --superlink "127.0.0.1:$port" --sites keys --root-certificates ca.crt --out run
