use super::*;
use uuid::Uuid;

fn run(n: u128) -> RunId {
    RunId(Uuid::from_u128(n))
}

fn width(at_once: u32) -> Width {
    Width { at_once, requests: None, tokens: None }
}

/// Serves everybody, one at a time, and says in which order.
fn served(lane: &mut Lane, now: Instant) -> Vec<u64> {
    let mut order = Vec::new();
    while let Some(id) = lane.next().map(|next| next.id) {
        assert_eq!(lane.turn(id, now), Turn::Go);
        lane.active -= 1;
        order.push(id);
    }
    order
}

#[tokio::test]
async fn runs_take_turns_whatever_their_numbers() {
    let now = Instant::now();
    let mut lane = Lane::new(width(1), now);
    for _ in 0..4 {
        lane.queue(run(1), 1, 0);
    }
    lane.queue(run(2), 1, 0);
    lane.queue(run(2), 1, 0);
    assert_eq!(served(&mut lane, now), [1, 5, 2, 6, 3, 4]);
    // A run that was away does not catch up on what it did not ask for.
    let (old, new) = (lane.queue(run(1), 1, 0), lane.queue(run(3), 1, 0));
    lane.queue(run(3), 1, 0);
    let order = served(&mut lane, now);
    assert!(order[..2].contains(&old) && order[..2].contains(&new), "{order:?}");
}

#[tokio::test]
async fn a_heavier_run_gets_more_turns() {
    let now = Instant::now();
    let mut lane = Lane::new(width(1), now);
    let heavy: Vec<u64> = (0..6).map(|_| lane.queue(run(1), 3, 0)).collect();
    for _ in 0..6 {
        lane.queue(run(2), 1, 0);
    }
    let first: Vec<u64> = served(&mut lane, now).into_iter().take(8).collect();
    let got = first.iter().filter(|id| heavy.contains(id)).count();
    assert_eq!(got, 6, "{first:?}");
}

#[tokio::test]
async fn being_told_to_slow_down_halves_and_recovers_by_one_a_minute() {
    let now = Instant::now();
    let mut lane = Lane::new(width(8), now);
    lane.slow_down(Duration::from_secs(3), now);
    let id = lane.queue(run(1), 1, 0);
    assert_eq!(lane.turn(id, now), Turn::Wait(Some(now + Duration::from_secs(3))));
    assert_eq!(lane.turn(id, now + Duration::from_secs(3)), Turn::Go);
    assert_eq!(lane.now_at_once, 4);
    lane.slow_down(Duration::ZERO, now);
    lane.slow_down(Duration::ZERO, now);
    lane.slow_down(Duration::ZERO, now);
    assert_eq!(lane.now_at_once, 1, "never none");
    lane.recover(now + RECOVERS * 3);
    assert_eq!(lane.now_at_once, 4);
    lane.recover(now + RECOVERS * 60);
    assert_eq!(lane.now_at_once, 8);
}

#[tokio::test]
async fn no_more_a_minute_than_is_allowed() {
    let now = Instant::now();
    let width = Width { at_once: 99, requests: Some(2), tokens: Some(1000) };
    let mut lane = Lane::new(width, now);
    let ids: Vec<u64> = (0..3).map(|_| lane.queue(run(1), 1, 10)).collect();
    assert_eq!((lane.turn(ids[0], now), lane.turn(ids[1], now)), (Turn::Go, Turn::Go));
    let Turn::Wait(Some(until)) = lane.turn(ids[2], now) else { panic!() };
    assert_eq!((until - now).as_secs(), 30);
    assert_eq!(lane.turn(ids[2], until), Turn::Go);
    // A call that is larger than a minute's worth is let through when it is full.
    let large = lane.queue(run(1), 1, 50_000);
    assert!(matches!(lane.turn(large, until), Turn::Wait(Some(_))));
    assert_eq!(lane.turn(large, until + Duration::from_secs(90)), Turn::Go);
}

#[tokio::test]
async fn whoever_leaves_the_queue_holds_up_nobody() {
    let gate = Arc::new(Gate::new(width(1)));
    let first = gate.enter(run(1), 1, 0).await;
    let second = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { drop(gate.enter(run(1), 1, 0).await) }
    });
    let third = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { drop(gate.enter(run(1), 1, 0).await) }
    });
    while gate.lock().waiting.len() < 2 {
        tokio::task::yield_now().await;
    }
    second.abort();
    assert!(second.await.is_err());
    drop(first);
    third.await.unwrap();
    let lane = gate.lock();
    assert_eq!((lane.active, lane.waiting.len()), (0, 0));
}

#[test]
fn what_providers_say_of_their_limits_is_read() {
    let map = |pairs: &[(&'static str, &str)]| {
        let header = |(name, value): &(&'static str, &str)| (*name, value.parse().unwrap());
        HeaderMap::from_iter(
            pairs
                .iter()
                .map(header)
                .map(|(name, value)| (axum::http::HeaderName::from_static(name), value)),
        )
    };
    let ms = Duration::from_millis;
    assert_eq!(retry_after(&map(&[("retry-after", "2")])), Some(ms(2000)));
    assert_eq!(retry_after(&map(&[("retry-after", "9"), ("retry-after-ms", "50")])), Some(ms(50)));
    assert_eq!(retry_after(&map(&[("retry-after", "Fri")])), None);
    let left = |left: &str, reset: &str| {
        exhausted(&map(&[
            ("x-ratelimit-remaining-requests", left),
            ("x-ratelimit-reset-requests", reset),
        ]))
    };
    assert_eq!(left("0", "6m0s"), Some(ms(360_000)));
    assert_eq!(
        (left("0", "120ms"), left("1", "6m0s"), left("0", "soon")),
        (Some(ms(120)), None, None)
    );
    let past = [
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2001-01-01T00:00:00Z"),
    ];
    assert_eq!(exhausted(&map(&past)), None);
}
