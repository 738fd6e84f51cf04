"""Several hosts on one machine: own addresses, processes, homes and sshd, in a room that nothing leaves.

Enough for a true `ray up`, a node that dies, a network that parts. Needs root, openssh-server, iproute2, util-linux,
rsync and curl. All hosts see this machine's files (an "NFS"); what is private to each, `host.py` lists.
"""

from testbed.bed import Testbed
from testbed.cluster import Cluster
from testbed.host import Host
from testbed.laptop import Laptop

__all__ = ["Cluster", "Host", "Laptop", "Testbed"]
