#!/bin/sh
# A client with one habit, named by its argument; without one it is correct. It needs curl.
habit=${1:-careful}
new_key() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
limit="--max-time 1.5"
[ "$habit" = no-timeout ] && limit=""

# The status and the document, in two lines; curl's own status where there is none.
send() {
    # shellcheck disable=SC2086 # the limit is two words, or none
    answer=$(curl -s -S $limit -w '\n%{http_code}' -H "X-Api-Key: $RUNA_API_KEY" \
        -H 'X-Api-Version: 2024-02-05' "$@" 2>/dev/null) || return 1
    status=$(printf '%s' "$answer" | tail -n 1)
}

place() {
    key=$(new_key)
    for attempt in 1 2 3 4 5 6; do
        text=order
        [ "$habit" = changed-body ] && text="attempt $attempt"
        body='{"payment_method":{"type":"ACCOUNT_BALANCE","currency":"USD"},"items":[{"face_value":10,
            "distribution_method":{"type":"PAYOUT_LINK"},"products":{"type":"SINGLE","value":"1800FL-US"}}],
            "description":"'$text'"}'
        if send -X POST -H "X-Idempotency-Key: $key" -H 'Content-Type: application/json' \
            -d "$body" "$RUNA_BASE_URL/order"; then
            case $status in
            2*) id=$(printf '%s' "$answer" | sed -n 's/.*"id":"\(O-[0-9A-Z]*\)".*/\1/p' | head -n 1) && return ;;
            429) [ "$habit" = no-wait-429 ] || sleep "${WAIT_429:-0.5}" ;;
            5*) sleep 0.02 ;;
            *) [ "$habit" = retries-refusals ] && [ "$attempt" -lt 3 ] || { echo "refused: $status"; exit 1; } ;;
            esac
        else
            [ "$habit" = no-retry ] && { echo "no response"; exit 1; }
            [ "$habit" = new-key ] && key=$(new_key)
        fi
    done
    echo "gave up"
    exit 1
}

place
[ "$habit" = never-reads ] && exit 0
while :; do
    if send "$RUNA_BASE_URL/order/$id"; then
        case $answer in
        *COMPLETED*) exit 0 ;;
        *FAILED*) [ "$habit" = ignores-failed ] && exit 0; echo "the order failed"; exit 1 ;;
        esac
        case $status in 4*) [ "$status" = 429 ] || exit 1 ;; esac
    fi
    sleep 0.4
done
