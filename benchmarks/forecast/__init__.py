"""How good the forecast of the daily cap is, beside what one would use instead: `python -m benchmarks.forecast`.

What counts is defined once, in `monitor.judgement.daily_limit.quality`, for every contender:

- The cap is hit when the count of the last 24 hours reaches it, having been below 90 % of it since the last hit.
- A warning is right when the cap is hit while it stands and before its term, one and a half times what it promised
  (never less than 30 minutes); wrong otherwise. One that outlasts its term is judged anew, as a repeated notification.
- A hit is foretold when a right warning was raised at least 15 minutes before it.
- While the cap is hit, and until the count is below 90 %, nobody warns: everyone knows.

An alert rule promises its horizon, four hours. The forecast promises a time of its own, three hours at most after
stretching, and so is held to more. Median error is the distance between the time a warning expected, when it was
raised, and the hit; a static threshold expects none. All evaluate once a minute and know nothing of the first day,
which is not scored. Warnings whose term reaches beyond the end of a trace are left out when nothing came of them.

The forecast's constants were chosen on the seeds of TUNING; what is published is of REPORTED, which no choice has seen
(figures of seeds 0 to 3 were seen before the last choice, so those are not reported).
"""
