-- For wrk: each request sends the next of the bodies that a file holds, one a line, and one line of JSON at the end.
-- The header is `NAME: VALUE`, or empty. With a third argument each connection pauses for so many milliseconds between
-- two requests on average, as chance has it.

local requests, turn, pause = {}, 0, 0

function init(arguments)
  local file, name, value = arguments[1], (arguments[2] or ""):match("^([^:]+): (.+)$")
  pause = tonumber(arguments[3] or 0)
  local headers = {["Content-Type"] = "application/json"}
  if name then
    headers[name] = value
  end
  for body in io.lines(file) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
  if pause > 0 then
    delay = paused
  end
end

function paused()
  return math.floor(-math.log(1 - math.random()) * pause + math.random())
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

-- wrk itself counts every status from 400 on; a function `response` would copy each answer, and cost what is measured.
function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout
  ))
end
