#!/bin/bash
# One Slurm allocation as a Ray cluster that runs one sweep. Nothing in here enters a key: a sweep started elsewhere may
# end here. From a folder that all nodes share, with the environment that has panda_ray active:
#
#   sbatch --nodes=4 --gpus-per-node=8 clusters/slurm.sh my_study.yaml [--set KEY=VALUE ...]
#
# Three minutes before the time limit, and on `scancel --batch --signal=TERM JOB`, the sweep stops in order. The same
# sbatch continues it, and may be queued ahead: jobs of one name run one after the other.
#
#SBATCH --job-name=panda-ray
#SBATCH --output=%x-%j.log
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@180
#SBATCH --dependency=singleton
#SBATCH --no-kill
set -euo pipefail

die() {
  echo "slurm.sh: $1" >&2
  exit 2
}

# The address by which Slurm reaches this node, the first of the allocation. A node may call itself 127.0.1.1 in its own
# /etc/hosts, which no other node can use.
own_address() {
  local name address
  name=$(scontrol --oneliner show node "$SLURMD_NODENAME" | sed -n 's/.* NodeAddr=\([^ ]*\).*/\1/p')
  address=$(getent ahostsv4 "$name" | awk '!/^127\./ {print $1; exit}')
  [ -n "$address" ] || address=$(hostname -I | awk '{print $1}')
  echo "$address"
}

[ $# -ge 1 ] || die "name a sweep file: sbatch [OPTIONS] clusters/slurm.sh my_study.yaml [--set KEY=VALUE ...]"
[ -n "${SLURM_JOB_ID:-}" ] || die "this is a batch script of Slurm; start it by sbatch"
for program in ray panda-ray; do
  command -v "$program" > /dev/null || die "there is no '$program' on the path; activate its environment before sbatch"
done

# Other users can reach these nodes. srun hands the token to all of them; homes may differ.
[ -s ~/.ray/auth_token ] || ray get-auth-token --generate > /dev/null 2>&1
RAY_AUTH_TOKEN=$(cat ~/.ray/auth_token)
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
# A folder on each node's own disk. /tmp/ray may belong to whoever had the node before.
export RAY_TMPDIR=${RAY_TMPDIR:-/tmp/panda-ray-$SLURM_JOB_ID}
# Shared file systems that are busy make imports slow: a node that is late is no node that is lost.
export RAY_raylet_start_wait_time_s=120 RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300 RAY_NUM_REDIS_GET_RETRIES=120
export RAY_USAGE_STATS_ENABLED=0
unset RAY_ADDRESS

address=$(own_address):6379
export PANDA_RAY_DRIVER=$RAY_TMPDIR/driver-$SLURM_JOB_ID
mkdir -p "$PANDA_RAY_DRIVER"

# What symmetric-run runs on the first node once Ray is there. Files say whom to signal and how it ended: symmetric-run
# itself ends with 0 where Ray did not start, and a step with the worst of its nodes.
# shellcheck disable=SC2016
drive='"$@" & echo $! > "$PANDA_RAY_DRIVER/pid"; wait $!; echo $? > "$PANDA_RAY_DRIVER/status"'

# Where Slurm does not follow processes by control groups, a job before may have left its Ray. Ray's client gives up after
# half a minute, so the other nodes begin when the first one listens, and is not such a one.
# shellcheck disable=SC2016
join='ray stop --force > /dev/null 2>&1
[ "$SLURM_NODEID" = 0 ] || sleep 15
for _ in $(seq 300); do
  [ "$SLURM_NODEID" != 0 ] && ! (: < "/dev/tcp/${0/:/\/}") 2> /dev/null || exec "$@"
  sleep 1
done
exit 1'

# symmetric-run is not told how many nodes there must be, since one that does not come would end the job: the sweep
# spreads to them as they join. A step has one CPU per task unless told otherwise.
start() {
  srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks-per-node=1 --cpus-per-task="$SLURM_CPUS_ON_NODE" \
    --no-kill --kill-on-bad-exit=0 \
    bash -c "$join" "$address" ray symmetric-run --address "$address" --num-cpus "$SLURM_CPUS_ON_NODE" -- \
    bash -c "$drive" driver panda-ray run "$@" --address "$address"
}

# A node whose Python starts slowly (15 s, which no setting raises) is given up by its own Ray; what was read once is
# read faster.
start_up_to_three_times() {
  for _ in 1 2 3; do
    start "$@" || true
    [ ! -e "$PANDA_RAY_DRIVER/pid" ] || break
  done
}

start_up_to_three_times "$@" &
step=$!

# Workers notice after a minute that the head is gone; the end of this script is the end of the job, so nobody waits.
# shellcheck disable=SC2317 # the trap calls it
stop() {
  [ -s "$PANDA_RAY_DRIVER/pid" ] || exit 130
  kill -TERM "$(cat "$PANDA_RAY_DRIVER/pid")"
}
trap stop TERM
while kill -0 "$step" 2> /dev/null && [ ! -s "$PANDA_RAY_DRIVER/status" ]; do
  sleep 1
done
[ -s "$PANDA_RAY_DRIVER/status" ] || die "Ray did not start on the first node, or was lost; the lines above say more"
exit "$(cat "$PANDA_RAY_DRIVER/status")"
