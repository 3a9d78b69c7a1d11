// The standard library alone: what runs as root on every node brings nobody else's code.
module artifact-registry-functions/kubelet

go 1.24
