//! On real sockets of this machine.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Engine, Submitted};
use crate::answer::{Answer, Kind};
use crate::target::Target;
use crate::trust::Trust;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn engine() -> Engine {
    Engine::new(Trust::nobody(), 16).expect("an epoll")
}

fn request(token: i64, port: u16) -> Submitted {
    let target = Target::of(&format!("http://hook.test:{port}/")).expect("a URL");
    Submitted {
        token,
        origin: target.origin.clone(),
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        bytes: Arc::new(target.post(0).with_body(&[b"{}"])),
        kept: false,
        timeout: Duration::from_secs(20),
    }
}

fn finish(engine: &mut Engine) -> Vec<Answer> {
    let mut answers = Vec::new();
    while engine.in_flight() > 0 {
        answers.extend(engine.poll(Duration::from_secs(1)).expect("a poll"));
    }
    answers
}

/// Serves connections one after the other; each answers so many requests, and closes.
fn listener(each: usize, connections: usize) -> (u16, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serving = thread::spawn(move || {
        for _ in 0..connections {
            let (mut socket, _) = listener.accept().expect("a connection");
            for _ in 0..each {
                let mut asked = [0; 4_096];
                let _ = socket.read(&mut asked).expect("a request");
                socket.write_all(OK).expect("a client");
            }
        }
    });
    (port, serving)
}

#[test]
fn a_connection_that_ended_while_it_was_idle_costs_no_answer() {
    let (port, serving) = listener(1, 3);
    let mut engine = engine();
    for token in 0..3 {
        engine.submit(request(token, port));
        let answers = finish(&mut engine);
        assert!(answers[0].outcome.is_ok(), "{answers:?}");
    }
    serving.join().expect("the listener");
}

#[test]
fn a_panic_ends_one_request_and_says_where() {
    let (port, serving) = listener(1, 2);
    let mut engine = engine();
    engine.submit(request(1, port));
    engine.submit(request(2, port));
    let place = engine.by_token[&1];
    engine.guarded(Some(place), None, |_| panic!("a secret"));
    let mut answers = finish(&mut engine);
    answers.sort_by_key(|answer| answer.token);
    let failure = answers[0].outcome.as_ref().expect_err("a bug");
    assert_eq!(failure.kind, Kind::Bug);
    assert!(failure.detail.contains("tests.rs:") && !failure.detail.contains("secret"), "{failure:?}");
    assert!(answers[1].outcome.is_ok());
    engine.submit(request(3, port));
    assert!(finish(&mut engine)[0].outcome.is_ok());
    serving.join().expect("the listener");
}
