//! The real monitor between the real server and a gateway that does what a test tells it to.

mod answers;
mod doctor;
mod kills;
mod local;
mod outages;
mod packet;
mod refusals;
mod several;
mod team;
