//! A connection, and what it is there for.

use std::net::IpAddr;
use std::sync::Arc;

use crate::stream::Stream;
use crate::target::Origin;

/// What a connection does. The numbers are the places of exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is being made for this exchange, perhaps beside others.
    Connecting(usize),
    /// TLS is being agreed on.
    Securing(usize),
    /// It carries this exchange.
    Carrying(usize),
    /// It waits for the next one.
    Idle,
}

/// One, from the moment it is begun.
#[derive(Debug)]
pub struct Connection {
    /// Its bytes.
    pub stream: Stream,
    /// Whom it was made for.
    pub origin: Arc<Origin>,
    /// Where it goes.
    pub address: IpAddr,
    /// What it does.
    pub stage: Stage,
    /// Another one each time it becomes idle.
    pub serial: u64,
}

impl Connection {
    /// The exchange that it is there for.
    pub fn exchange(&self) -> Option<usize> {
        match self.stage {
            Stage::Connecting(exchange) | Stage::Securing(exchange) | Stage::Carrying(exchange) => Some(exchange),
            Stage::Idle => None,
        }
    }
}
