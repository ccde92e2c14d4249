mod memory {
    use store::conformance::Fixture;

    fn open() -> Fixture {
        let (writer, reader) = store::memory::open();
        Fixture { writer: Box::new(writer), reader: Box::new(reader), keep: Box::new(()) }
    }

    store::conformance!(open);
}

mod sqlite {
    use store::conformance::Fixture;
    use store::folder::Folder;

    fn open() -> Fixture {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("data")).unwrap();
        let lock = folder.lock("test").unwrap();
        let (writer, reader) = store::sqlite::open(&folder, &lock).unwrap();
        let keep = Box::new((lock, place));
        Fixture { writer: Box::new(writer), reader: Box::new(reader), keep }
    }

    store::conformance!(open);
}
