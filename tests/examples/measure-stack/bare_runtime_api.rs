//! The least that a function needs: a Runtime API on one socket, for one process, with nothing around it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A function process that waits for events.
pub(crate) struct Bare {
    process: Child,
    connection: BufReader<TcpStream>,
}

impl Bare {
    /// Starts the binary and waits until it asks for its first event.
    pub(crate) fn start(binary: &Path, variables: &[(&str, &str)]) -> Self {
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut command = Command::new(binary);
        command.env_clear().env("AWS_LAMBDA_RUNTIME_API", api.local_addr().unwrap().to_string());
        command.envs([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ]);
        command.envs([("AWS_LAMBDA_FUNCTION_NAME", "f"), ("AWS_LAMBDA_FUNCTION_VERSION", "1")]);
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256").envs(variables.iter().copied());
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let (stream, _) = api.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut bare = Self { process, connection: BufReader::new(stream) };
        let (line, _) = bare.request();
        assert!(line.contains("/next"), "{line}");
        bare
    }

    /// Hands over one event, and waits for the response and for the process to ask again.
    pub(crate) fn invoke(&mut self, event: &str) -> String {
        let in_ten_seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(10);
        let headers = format!(
            "lambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: {}\r\n\
             lambda-runtime-invoked-function-arn: a\r\nlambda-runtime-trace-id: t",
            in_ten_seconds.as_millis()
        );
        self.response(&headers, event);
        let (line, response) = self.request();
        assert!(line.contains("/response"), "{line}: {response}");
        self.response("x-a: b", r#"{"status":"OK"}"#);
        // It asks for the next event; the response is ours by now, as it is a client's in the stack.
        let (line, _) = self.request();
        assert!(line.contains("/next"), "{line}");
        response
    }

    fn response(&mut self, headers: &str, body: &str) {
        let length = body.len();
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n\r\n{body}"
        );
        self.connection.get_mut().write_all(response.as_bytes()).unwrap();
    }

    /// The request line and body of the next request.
    fn request(&mut self) -> (String, String) {
        let (mut first, mut length, mut chunked) = (String::new(), 0, false);
        self.connection.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            self.connection.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            chunked |= line == "transfer-encoding: chunked";
            if line.is_empty() {
                break;
            }
        }
        assert!(!chunked, "the bare API reads bodies of known length only");
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body).unwrap();
        (first, String::from_utf8(body).unwrap())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
