"""Rolling restarts as Kubernetes does them by the chart, under load: of one version, or from one to another and back.

    versions (their code) ─► pods ─► workloads (rolled one pod at a time) ─► ledgers, samples ─► targets

`python -m tests.chaos.rolling --minutes 20` rolls the version that is here again and again; with `--base REV` the one
of that commit and the one that is here take turns.
"""
