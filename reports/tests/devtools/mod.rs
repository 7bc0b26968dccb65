//! A headless Chromium over its DevTools protocol: JSON over a WebSocket on the loopback.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// Nothing of the browser's own goes to a network, whatever the page does.
const ARGUMENTS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
];

/// What the browser says when it listens, before its address.
const LISTENING: &str = "DevTools listening on ws://";

/// A browser with one empty tab. It ends with this value.
pub(crate) struct Browser {
    process: Child,
    socket: WebSocket<TcpStream>,
    session: Value,
    calls: u64,
    events: Vec<Value>,
}

impl Browser {
    /// Starts the program, with this empty folder for its files.
    pub(crate) fn start(program: &str, profile: &Path) -> Self {
        let mut process = Command::new(program)
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = said.find_map(|line| Some(line.unwrap().strip_prefix(LISTENING)?.to_owned()));
        let address = address.expect("the browser says where it listens");
        // What it says later is nobody's, but somebody must take it.
        std::thread::spawn(move || said.for_each(drop));
        let stream = TcpStream::connect(address.split('/').next().unwrap()).unwrap();
        let (socket, _) = tungstenite::client(format!("ws://{address}"), stream).unwrap();
        let (session, events) = (Value::Null, Vec::new());
        let mut browser = Self { process, socket, session, calls: 0, events };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        browser.session = browser.call("Target.attachToTarget", attach)["sessionId"].clone();
        browser
    }

    /// Calls a method and waits for its result.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": parameters});
        if !self.session.is_null() {
            call["sessionId"] = self.session.clone();
        }
        self.socket.send(Message::text(call.to_string())).unwrap();
        loop {
            let answer = self.read();
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// Waits until something has happened, if it has not yet.
    pub(crate) fn wait_for(&mut self, event: &str) {
        while !self.events.iter().any(|it| it["method"] == event) {
            let next = self.read();
            self.events.push(next);
        }
    }

    /// What was asked for from anywhere, and what went wrong, in the words of the browser.
    pub(crate) fn heard(&self) -> (Vec<String>, Vec<String>) {
        let of = |method: &str| {
            let method = method.to_owned();
            self.events.iter().filter(move |it| it["method"] == *method).map(|it| &it["params"])
        };
        let requests = of("Network.requestWillBeSent");
        let requests = requests.map(|it| it["request"]["url"].as_str().unwrap().to_owned());
        let complaints = ["Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"];
        let complaints = complaints.into_iter().flat_map(of).map(Value::to_string);
        (requests.collect(), complaints.collect())
    }

    fn read(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
