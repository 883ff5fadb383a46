"""Workers that share the port, and the supervisor that starts them, replaces them and switches versions in all of them.

`board` is what all see at once, `channel` how supervisor and worker talk, `messages` what they say. Of the supervisor:
`supervisor` keeps so many workers at work, `worker` is one as it sees it, `rollout` switches versions, `aliases` tells
when. Of a worker: `process` is its program, `member` its side of the talk, `switches` the versions that wait.
"""
