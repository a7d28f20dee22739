-- wrk ... -s load.lua URL -- RUN METHOD PATH KEY_HEADER BODY_FILE [NAME VALUE]...
-- Each request has a new value of KEY_HEADER, if that is not empty, and the number of the request
-- in its body where @NUMBER@ stands. The last line of the output is the result, as JSON.
local run, method, path, key_header
local headers = {}
local head, tail
local number = 0
local same

function init(args)
   run, method, path, key_header = args[1], args[2], args[3], args[4]
   local file = io.open(args[5], "rb")
   local body = file:read("*a")
   file:close()
   for place = 6, #args, 2 do
      headers[args[place]] = args[place + 1]
   end
   local from, to = body:find("@NUMBER@", 1, true)
   if from then
      head, tail = body:sub(1, from - 1), body:sub(to + 1)
   elseif body ~= "" then
      head = body
   end
   if key_header == "" and not tail then
      same = wrk.format(method, path, headers, head)
   end
end

function request()
   if same then
      return same
   end
   number = number + 1
   if key_header ~= "" then
      headers[key_header] = run .. "-" .. number
   end
   return wrk.format(method, path, headers, tail and head .. run .. "-" .. number .. tail or head)
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "worst": %.6f, '
         .. '"refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e6, latency:percentile(99) / 1e6, latency.max / 1e6,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
