//! Reads through every layer of changes against a map in which they are applied.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::engine::{Engine, Memory};

type Changed = Vec<(Vec<u8>, Option<u8>)>;

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..3u8, 0..3)
}

fn changes() -> impl Strategy<Value = Changed> {
    prop::collection::vec((key(), prop::option::of(any::<u8>())), 0..8)
}

fn batch(changes: &Changed) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in changes {
        batch.set(Space::Mail, key, value.as_ref().map(std::slice::from_ref));
    }
    batch
}

proptest! {
    #[test]
    fn all_layers_are_read_as_one(
        layers in prop::array::uniform4(changes()),
        from in key(),
        to in prop::option::of(key()),
        down in any::<bool>(),
        limit in 0..9usize,
    ) {
        let engine = Memory::new();
        let [stored, older, newer, own] = &layers;
        engine.begin().unwrap().commit(&batch(stored)).unwrap();
        let base = engine.snapshot().unwrap();
        let (older, newer) = (batch(older), batch(newer));
        let mut t = WriteTxn::new(&*base, [&newer, &older], Timestamp(0), 999);
        for (key, value) in own {
            match value {
                Some(value) => t.put(Space::Mail, key, &[*value]).unwrap(),
                None => t.delete(Space::Mail, key),
            }
        }
        let mut model = BTreeMap::new();
        for (key, value) in layers.iter().flatten() {
            match value {
                Some(value) => model.insert(key.clone(), vec![*value]),
                None => model.remove(key),
            };
        }

        let range = KeyRange { from, to };
        let order = if down { Order::Descending } else { Order::Ascending };
        let mut expected: Vec<Row> = model.clone().into_iter().collect();
        expected.retain(|(key, _)| range.contains(key));
        if down {
            expected.reverse();
        }
        expected.truncate(limit);
        prop_assert_eq!(t.range(Space::Mail, &range, order, limit).unwrap(), expected);

        let keys: Vec<&[u8]> = layers.iter().flatten().map(|(key, _)| key.as_slice()).collect();
        let expected: Vec<_> = keys.iter().map(|&key| model.get(key).cloned()).collect();
        prop_assert_eq!(t.get_many(Space::Mail, &keys).unwrap(), expected.clone());
        let singly: Vec<_> = keys.iter().map(|key| t.get(Space::Mail, key).unwrap()).collect();
        prop_assert_eq!(singly, expected);
    }
}
