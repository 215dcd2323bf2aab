//! Billed requests of SQS and API Gateway.

use super::increments;

const SQS_CHUNK: u64 = 64 * 1024;
const HTTP_API_CHUNK: u64 = 512 * 1024;

/// The billed requests of one SQS action: one for each 64 KB chunk of its payload, at least one. The payload of a batch is
/// the sum of its messages. An empty receive, with long polling or without, is one request. <https://aws.amazon.com/sqs/pricing/>
#[must_use]
pub fn sqs_requests(payload: u64) -> u64 {
    increments(payload, SQS_CHUNK)
}

/// The billed requests of one request to an HTTP API, which is metered in increments of 512 KB.
/// <https://aws.amazon.com/api-gateway/pricing/>
#[must_use]
pub fn api_gateway_requests(payload: u64) -> u64 {
    increments(payload, HTTP_API_CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqs_pricing_page_an_action_with_a_256_kb_payload_is_four_requests() {
        assert_eq!(sqs_requests(256 * 1024), 4);
        assert_eq!(sqs_requests(64 * 1024), 1);
        assert_eq!(sqs_requests(64 * 1024 + 1), 2);
    }

    #[test]
    fn sqs_pricing_page_an_empty_receive_is_one_request() {
        assert_eq!(sqs_requests(0), 1);
    }

    #[test]
    fn api_gateway_pricing_page_513_kb_are_two_requests() {
        assert_eq!(api_gateway_requests(513 * 1024), 2);
        assert_eq!(api_gateway_requests(512 * 1024), 1);
        assert_eq!(api_gateway_requests(0), 1);
    }
}
