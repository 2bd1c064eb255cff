from server.identity.access import Role
async def test_x(sign_in, client):
    a = await sign_in(Role.ADMIN)
    print((await a.get("/api/me")).text)
