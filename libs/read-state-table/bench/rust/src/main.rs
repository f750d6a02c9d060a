// The concurrent map of the story as a contender: users in a sharded map, and for each user a map
// of its channels. The same records and operations as the others (sequence.ts), idiomatic otherwise:
// the default hasher, a struct with the fields of a read state. Prints one line of JSON.
//
//   contender nested|inner <users>     nested: the inner maps are sharded as well; inner: they are
//                                      plain, under the lock of the outer shard

use dashmap::DashMap;
use std::collections::HashMap;

const CHANNELS_PER_USER: u32 = 100;
const CHANNELS_COUNT: u32 = 1_000_003;
const CHANNEL_STEP: u32 = 9_973;
const OPERATIONS_SEED: u32 = 0x2545f491;
const OPERATIONS_COUNT: u32 = 1_000_000;
const WALKS_COUNT: u32 = 10_000;

#[allow(dead_code)]
#[derive(Default)]
struct ReadState {
    last_message_id: u64,
    version: u64,
    last_pin_timestamp_ms: u64,
    manual_until_message_id: u64,
    mention_count: u32,
    flags: u32,
    last_viewed: u32,
}

fn mix(value: u32) -> u32 {
    let mut x = (value ^ (value >> 16)).wrapping_mul(0x7feb352d);
    x = (x ^ (x >> 15)).wrapping_mul(0x846ca68b);
    x ^ (x >> 16)
}

fn next(state: u32) -> u32 {
    let mut x = state ^ (state << 13);
    x ^= x >> 17;
    x ^ (x << 5)
}

fn user_id(user: u32) -> u64 {
    let hi = 0x10000000 | (mix(user) >> 8);
    ((hi as u64) << 32) | mix(user ^ 0x5bd1e995) as u64
}

fn channel_id(user: u32, i: u32) -> u64 {
    let channel = ((mix(user ^ 0x1234567) >> 8) + i * CHANNEL_STEP) % CHANNELS_COUNT;
    let hi = 0x0f000000 | (mix(channel) >> 9);
    ((hi as u64) << 32) | mix(channel ^ 0x77777777) as u64
}

trait Table {
    fn load(users: u32) -> Self;
    fn get(&self, user: u64, channel: u64) -> (u64, u32);
    fn ack(&self, user: u64, channel: u64, message: u64, mentions: u32) -> bool;
    fn walk(&self, user: u64) -> u64;
}

fn entry(i: u32) -> ReadState {
    ReadState {
        last_message_id: (0x0f000000u64 << 32) | i as u64,
        version: i as u64 + 1,
        mention_count: i & 7,
        flags: 1,
        last_viewed: 4_300,
        ..Default::default()
    }
}

fn moved(state: &mut ReadState, message: u64, mentions: u32, version: u64) {
    state.last_message_id = message;
    state.mention_count = mentions;
    state.last_viewed = 4_301;
    state.manual_until_message_id = 0;
    state.version = version;
}

struct Inner {
    version: u64,
    channels: HashMap<u64, ReadState>,
}

impl Table for DashMap<u64, Inner> {
    fn load(users: u32) -> Self {
        let table = DashMap::new();
        for u in 0..users {
            let mut channels = HashMap::with_capacity(CHANNELS_PER_USER as usize);
            for i in 0..CHANNELS_PER_USER {
                channels.insert(channel_id(u, i), entry(i));
            }
            table.insert(user_id(u), Inner { version: CHANNELS_PER_USER as u64, channels });
        }
        table
    }

    fn get(&self, user: u64, channel: u64) -> (u64, u32) {
        let user = DashMap::get(self, &user).unwrap();
        let state = user.channels.get(&channel).unwrap();
        (state.last_message_id, state.mention_count)
    }

    fn ack(&self, user: u64, channel: u64, message: u64, mentions: u32) -> bool {
        let mut user = self.get_mut(&user).unwrap();
        let version = user.version + 1;
        let state = user.channels.get_mut(&channel).unwrap();
        if message <= state.last_message_id {
            return false;
        }
        moved(state, message, mentions, version);
        user.version = version;
        true
    }

    fn walk(&self, user: u64) -> u64 {
        let user = DashMap::get(self, &user).unwrap();
        user.channels.values().map(|each| each.last_message_id + each.mention_count as u64).sum()
    }
}

struct Nested {
    version: std::sync::atomic::AtomicU64,
    channels: DashMap<u64, ReadState>,
}

impl Table for DashMap<u64, Nested> {
    fn load(users: u32) -> Self {
        let table = DashMap::new();
        for u in 0..users {
            let channels = DashMap::with_capacity(CHANNELS_PER_USER as usize);
            for i in 0..CHANNELS_PER_USER {
                channels.insert(channel_id(u, i), entry(i));
            }
            table.insert(user_id(u), Nested { version: (CHANNELS_PER_USER as u64).into(), channels });
        }
        table
    }

    fn get(&self, user: u64, channel: u64) -> (u64, u32) {
        let user = DashMap::get(self, &user).unwrap();
        let state = user.channels.get(&channel).unwrap();
        (state.last_message_id, state.mention_count)
    }

    fn ack(&self, user: u64, channel: u64, message: u64, mentions: u32) -> bool {
        let user = DashMap::get(self, &user).unwrap();
        let mut state = user.channels.get_mut(&channel).unwrap();
        if message <= state.last_message_id {
            return false;
        }
        let version = user.version.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        moved(&mut state, message, mentions, version);
        true
    }

    fn walk(&self, user: u64) -> u64 {
        let user = DashMap::get(self, &user).unwrap();
        user.channels.iter().map(|each| each.last_message_id + each.mention_count as u64).sum()
    }
}

fn gets<T: Table>(table: &T, users: u32, operations: u32, round: u32) -> u64 {
    let mut state = OPERATIONS_SEED + round;
    let mut sum = 0u64;
    for _ in 0..operations {
        state = next(state);
        let u = state % users;
        state = next(state);
        let (message, mentions) = table.get(user_id(u), channel_id(u, state % CHANNELS_PER_USER));
        sum = sum.wrapping_add(message + mentions as u64);
    }
    sum
}

fn acks<T: Table>(table: &T, users: u32, operations: u32, round: u32) -> u64 {
    let mut state = OPERATIONS_SEED + round;
    let mut moved = 0;
    for _ in 0..operations {
        state = next(state);
        let u = state % users;
        state = next(state);
        let channel = channel_id(u, state % CHANNELS_PER_USER);
        let message = ((0x0f000001u64 + round as u64) << 32) | (state % 100_000) as u64;
        moved += table.ack(user_id(u), channel, message, state & 7) as u64;
    }
    moved
}

fn walks<T: Table>(table: &T, users: u32, operations: u32, round: u32) -> u64 {
    let mut state = OPERATIONS_SEED + round;
    let mut sum = 0u64;
    for _ in 0..operations {
        state = next(state);
        sum = sum.wrapping_add(table.walk(user_id(state % users)));
    }
    sum
}

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

extern "C" {
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}

/// CPU time of the process.
fn cpu_ns() -> f64 {
    const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.seconds as f64 * 1e9 + time.nanoseconds as f64
}

fn rss_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

/// The best of three runs.
fn measure(count: u32, run: impl Fn(u32) -> u64) -> f64 {
    let mut best = f64::INFINITY;
    for round in 1..=3 {
        let started = cpu_ns();
        std::hint::black_box(run(round));
        best = best.min((cpu_ns() - started) / count as f64);
    }
    best
}

fn contend<T: Table>(name: &str, users: u32) {
    let records = (users * CHANNELS_PER_USER) as f64;
    let rss_before = rss_bytes();
    let started = cpu_ns();
    let table = T::load(users);
    let load_ns = (cpu_ns() - started) / records;
    let bytes = (rss_bytes() - rss_before) / records;
    gets(&table, users, 100_000, 0);
    let get_ns = measure(OPERATIONS_COUNT, |round| gets(&table, users, OPERATIONS_COUNT, round));
    let moved = acks(&table, users, OPERATIONS_COUNT, 0);
    let ack_ns = measure(OPERATIONS_COUNT, |round| acks(&table, users, OPERATIONS_COUNT, round));
    let walk_ns = measure(WALKS_COUNT, |round| walks(&table, users, WALKS_COUNT, round))
        / CHANNELS_PER_USER as f64;
    println!(
        "{{\"name\":\"{name}\",\"records\":{records},\"loadNs\":{load_ns},\"getNs\":{get_ns},\
         \"ackNs\":{ack_ns},\"walkNs\":{walk_ns},\"bytesPerRecord\":{bytes},\"movedCount\":{moved}}}"
    );
}

fn main() {
    let mut args = std::env::args().skip(1);
    let kind = args.next().expect("nested or inner");
    let users = args.next().and_then(|text| text.parse().ok()).expect("how many users");
    if kind == "nested" {
        contend::<DashMap<u64, Nested>>("rust-nested", users);
    } else {
        contend::<DashMap<u64, Inner>>("rust-inner", users);
    }
}
