from tests.driver_app.phones import send_all
async def test_smoke(driver, store, account, server):
    driver.accept(["T1","T2"]); driver.start(["T1"]); driver.arrive(["T1"])
    from driver_app.core.driver import Evidence, File
    driver.complete("T1","delivered", Evidence(photos=(File(content=b"abc"),)))
    for i in range(120): driver.record_fix(9.5,47.1,5)
    await send_all(store)
    print(account.effects, len(account.fixes), server.requests)
    assert len(account.effects)==5
    server.faults.refuse_sockets=True
    driver.start(["T2"]); driver.fail("T2","not_home",Evidence(photos=(File(content=b"abcd"),))); driver.record_fix(1,2,3)
    await send_all(store)
    print(server.requests)
    assert len(account.effects)==7 and len(account.fixes)==121
